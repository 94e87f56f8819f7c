import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Max, Q


def keep_the_last_of_each(apps, schema_editor):
    """On the way back: before, a product or search had one removal, and no hash.

    What was shown again is left out of lists again: without the removal, an import would bring back what was removed.
    """
    removals = apps.get_model('recommendations', 'RemovedProduct').objects.using(schema_editor.connection.alias)
    removals.exclude(query_hash='').delete()
    last = removals.values('shopper', 'product', 'query').annotate(last=Max('pk')).values('last')
    removals.exclude(pk__in=last).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('recommendations', '0003_fewer_like_it'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='removedproduct', name='recommendations_removed_once'),
        migrations.RemoveConstraint(model_name='removedproduct', name='recommendations_removed_query_once'),
        migrations.RemoveConstraint(model_name='removedproduct', name='recommendations_removed_product_or_query'),
        migrations.AddField(
            model_name='removedproduct',
            name='query_hash',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='removedproduct',
            name='shown_again',
            field=models.BooleanField(db_default=False, default=False),
        ),
        # The index that came with the constraints.
        migrations.AlterField(
            model_name='removedproduct',
            name='shopper',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='recommendations.shopper'),
        ),
        migrations.AddConstraint(
            model_name='removedproduct',
            constraint=models.CheckConstraint(condition=Q(Q(('product__isnull', False), ('query', ''), ('query_hash', '')), Q(('product', None), Q(('query', ''), ('query_hash', ''), _negated=True)), _connector='OR'), name='recommendations_removed_product_or_query'),
        ),
        migrations.RunPython(migrations.RunPython.noop, keep_the_last_of_each),
    ]
