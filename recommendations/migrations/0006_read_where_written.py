from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('recommendations', '0005_message_id'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='hiddenproduct',
            options={'base_manager_name': 'objects'},
        ),
        migrations.AlterModelOptions(
            name='interaction',
            options={'base_manager_name': 'objects', 'verbose_name': 'interaction', 'verbose_name_plural': 'interactions'},
        ),
        migrations.AlterModelOptions(
            name='product',
            options={'base_manager_name': 'objects', 'verbose_name': 'product', 'verbose_name_plural': 'products'},
        ),
        migrations.AlterModelOptions(
            name='productpair',
            options={'base_manager_name': 'objects'},
        ),
        migrations.AlterModelOptions(
            name='productpopularity',
            options={'base_manager_name': 'objects', 'verbose_name_plural': 'product popularity'},
        ),
        migrations.AlterModelOptions(
            name='recommenderversion',
            options={'base_manager_name': 'objects', 'ordering': ['-pk'], 'permissions': [('retrain', 'Can start and cancel a retraining'), ('publish', 'Can publish and roll back versions'), ('view_history', "Can look into a shopper's history and reasons")], 'verbose_name': 'recommender version', 'verbose_name_plural': 'recommender versions'},
        ),
        migrations.AlterModelOptions(
            name='removedproduct',
            options={'base_manager_name': 'objects'},
        ),
        migrations.AlterModelOptions(
            name='shopper',
            options={'base_manager_name': 'objects', 'verbose_name': 'shopper', 'verbose_name_plural': 'shoppers'},
        ),
    ]
