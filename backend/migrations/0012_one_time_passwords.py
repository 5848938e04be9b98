from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("jiamenkou", "0011_attachments")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Staff",
            name="one_time_until",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
