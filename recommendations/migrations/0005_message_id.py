from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recommendations', '0004_every_removal'),
    ]

    operations = [
        migrations.AddField(
            model_name='recommenderversion',
            name='message_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=255),
        ),
    ]
