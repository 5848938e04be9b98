"""Which anonymous answers were mixed: before that, what their authors wrote is not shown."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("jiamenkou", "0016_follow_ups")]

    initial = False

    operations = [
        ops.AddField(
            model_name="SurveyResponse",
            name="mixed",
            field=fields.BooleanField(default=False, db_default=False),
        ),
    ]
