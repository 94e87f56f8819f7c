from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recommendations', '0006_read_where_written'),
    ]

    operations = [
        migrations.AlterField(
            model_name='hiddenproduct',
            name='fewer_like_it',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
