"""医共体: who offers care, where, and by whom. Loaded from the county's workbook."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

TIERS = ("county", "township", "village")  # 县级医院, 乡镇卫生院, 村卫生室


class Consortium(Model):
    """医共体. `id` is derived from the code in the settings."""

    id = fields.UUIDField(primary_key=True)
    code = fields.CharField(max_length=32, unique=True)
    name = fields.CharField(max_length=60)
    emergency_phone = fields.CharField(max_length=20, default="120")

    class Meta:
        table = "consortium"


class Organization(Model):
    """医疗机构. Coordinates in degrees (GCJ-02, as WeChat's maps use)."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    code = fields.CharField(max_length=32)
    name = fields.CharField(max_length=60)
    tier = fields.CharField(max_length=10)
    kind = fields.CharField(max_length=20, default="general")  # general 综合, tcm 中医
    parent: fields.ForeignKeyNullableRelation["Organization"] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="branches"
    )
    address = fields.CharField(max_length=120, default="")
    phone = fields.CharField(max_length=20, default="")
    latitude = fields.FloatField(null=True)
    longitude = fields.FloatField(null=True)
    hours = fields.CharField(max_length=120, default="")  # 门诊时间, as people read it
    active = fields.BooleanField(default=True)

    parent_id: Any

    class Meta:
        table = "organization"
        unique_together = (("consortium_id", "code"),)


class Department(Model):
    """科室. `keywords` are symptom words, separated by spaces, that lead a resident here."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    organization: fields.ForeignKeyRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", on_delete=fields.RESTRICT, related_name="departments"
    )
    code = fields.CharField(max_length=32)
    name = fields.CharField(max_length=40)
    specialty_code = fields.CharField(max_length=12, default="")  # 诊疗科目代码, e.g. 03.04
    location = fields.CharField(max_length=60, default="")  # 门诊楼3楼东
    keywords = fields.CharField(max_length=300, default="")
    active = fields.BooleanField(default=True)

    organization_id: Any

    class Meta:
        table = "department"
        unique_together = (("consortium_id", "organization_id", "code"),)


class Practitioner(Model):
    """医生. Where they work is their roles."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    code = fields.CharField(max_length=32)  # 工号
    name = fields.CharField(max_length=30)
    title = fields.CharField(max_length=20, default="")  # 主任医师 …
    good_at = fields.CharField(max_length=300, default="")
    active = fields.BooleanField(default=True)

    class Meta:
        table = "practitioner"
        unique_together = (("consortium_id", "code"),)


class PractitionerRole(Model):
    """执业点: 专家下沉 is a second role with dates, not a second doctor. Dates inclusive."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    practitioner: fields.ForeignKeyRelation[Practitioner] = fields.ForeignKeyField(
        "jiamenkou.Practitioner", on_delete=fields.RESTRICT, related_name="roles"
    )
    department: fields.ForeignKeyRelation[Department] = fields.ForeignKeyField(
        "jiamenkou.Department", on_delete=fields.RESTRICT, related_name="roles"
    )
    kind = fields.CharField(max_length=10, default="main")  # main 主执业点, outreach 专家下沉
    from_on = fields.DateField(null=True)
    to_on = fields.DateField(null=True)

    practitioner_id: Any
    department_id: Any

    class Meta:
        table = "practitioner_role"
        unique_together = (("practitioner_id", "department_id", "kind", "from_on"),)


class Announcement(Model):
    """公告 of an institution or (organization NULL) of the whole county. Dates inclusive."""

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    code = fields.CharField(max_length=32)
    organization: fields.ForeignKeyNullableRelation[Organization] = fields.ForeignKeyField(
        "jiamenkou.Organization", null=True, on_delete=fields.RESTRICT, related_name="announcements"
    )
    title = fields.CharField(max_length=40)
    text = fields.CharField(max_length=500)
    from_on = fields.DateField()
    to_on = fields.DateField()

    organization_id: Any

    class Meta:
        table = "announcement"
        unique_together = (("consortium_id", "code"),)
