from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('jiamenkou', '0004_clinic_invariants')]

    initial = False

    operations = [
        ops.CreateModel(
            name='FamilyDoctorContract',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('patient', fields.ForeignKeyField('jiamenkou.Patient', source_field='patient_id', db_constraint=True, to_field='id', related_name='contracts', on_delete=OnDelete.RESTRICT)),
                ('practitioner', fields.ForeignKeyField('jiamenkou.Practitioner', source_field='practitioner_id', db_constraint=True, to_field='id', related_name='contracts', on_delete=OnDelete.RESTRICT)),
                ('organization', fields.ForeignKeyField('jiamenkou.Organization', source_field='organization_id', db_constraint=True, to_field='id', related_name='contracts', on_delete=OnDelete.RESTRICT)),
                ('package', fields.CharField(default='', max_length=40)),
                ('from_on', fields.DateField()),
                ('to_on', fields.DateField(null=True)),
                ('signed_by', fields.UUIDField(null=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_by', fields.UUIDField(null=True)),
            ],
            options={'table': 'family_doctor_contract', 'app': 'jiamenkou', 'indexes': [Index(fields=['practitioner_id', 'ended_at']), Index(fields=['organization_id', 'ended_at'])], 'pk_attr': 'id', 'table_description': '家庭医生签约. Dates inclusive, `to_on` NULL is open. One that is not ended per patient.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PoolReturn',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('consortium_id', fields.UUIDField()),
                ('schedule', fields.ForeignKeyField('jiamenkou.Schedule', source_field='schedule_id', db_constraint=True, to_field='id', related_name='returns', on_delete=OnDelete.RESTRICT)),
                ('from_slot_id', fields.UUIDField()),
                ('to_slot_id', fields.UUIDField()),
                ('places', fields.IntField()),
                ('in_time', fields.BooleanField()),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'pool_return', 'app': 'jiamenkou', 'indexes': [Index(fields=['schedule_id'])], 'pk_attr': 'id', 'table_description': 'Places that flowed from one pool into another, a row for each time range: append-only.'},
            bases=['Model'],
        ),
    ]
