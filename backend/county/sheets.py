"""The county's workbook as a table: which sheets, which columns, what may stand in a cell.

Reading, the empty template and docs/workbook.md all follow from it. Headings are those of a
hospital's own 排班表. A column's `field` is what the value is called inside.
"""

from backend.county.columns import Column, Reference, Sheet
from backend.county.policy_columns import POLICY_NUMBERS

POLICIES_MOST = 2000
ANNOUNCEMENTS_MOST = 1000
WORKBOOK_NOTES = "填写说明"  # a sheet for people, never read
IGNORED = ("备注", "序号")  # columns that hospitals add and nobody reads
EXAMPLE = "例："  # a row that starts with it is an example

TIERS = {"县级医院": "county", "乡镇卫生院": "township", "村卫生室": "village"}
TIER_ALIASES = {
    "县级": "县级医院", "乡镇": "乡镇卫生院", "社区卫生服务中心": "乡镇卫生院", "村级": "村卫生室",
    "社区卫生服务站": "村卫生室",
}  # fmt: skip
KINDS = {"普通": "general", "专家": "expert", "专病": "disease", "下沉": "outreach"}
KIND_ALIASES = {f"{name}号": name for name in KINDS} | {"专家下沉": "下沉"}
PERIODS = {"上午": "am", "下午": "pm", "夜间": "night"}
PERIOD_ALIASES = {"晚上": "夜间", "夜诊": "夜间"}
WEEKDAYS = {f"周{name}": number for number, name in enumerate("一二三四五六日", start=1)}
WEEKDAY_ALIASES = {f"星期{name[1]}": name for name in WEEKDAYS} | {
    "周天": "周日",
    "星期天": "周日",
}
ACTIONS = {"停诊": "closed", "加开": "open", "调号": "capacity"}

ORGANIZATION = Column(
    "机构编码", "organization", "code", True, example="DXRM", says="「医疗机构」表中的机构编码"
)
DEPARTMENT = Column(
    "科室编码", "department", "code", True, example="XNK", says="「科室」表中的科室编码"
)
PRACTITIONER = Column(
    "工号", "practitioner", "code", True, example="10001", says="「医生」表中的工号"
)
PERIOD = Column(
    "时段", "period", "choice", True, PERIODS, PERIOD_ALIASES, example="上午", says="门诊班次"
)
KIND = Column("号别", "kind", "choice", True, KINDS, KIND_ALIASES, example="普通", says="挂号类别")

TO_ORGANIZATION = Reference(("organization",), "organizations", "「医疗机构」表中有的机构编码")
TO_DEPARTMENT = Reference(
    ("organization", "department"), "departments", "该机构在「科室」表中有的科室编码"
)
TO_PRACTITIONER = Reference(("practitioner",), "practitioners", "「医生」表中有的工号")
TO_PRACTICE = Reference(
    ("practitioner", "organization", "department"),
    "practices",
    "在「执业点」表中于该科室执业的医生",
)


def _optional(column: Column, says: str) -> Column:
    return Column(
        column.name, column.field, column.kind, False, column.choices, column.aliases,
        example="", says=says,
    )  # fmt: skip


CONSORTIUM = Sheet(
    "consortium",
    "医共体",
    (
        Column(
            "名称", "name", required=True, example="稻溪县医疗健康共同体", says="居民看到的名称"
        ),
        Column(
            "急救电话", "emergency_phone", "phone", default="120", example="120", says="紧急时拨打"
        ),
    ),
    (),
    "医共体本身，恰好一行。",
    most=1,
    least=1,
)

ORGANIZATIONS = Sheet(
    "organizations",
    "医疗机构",
    (
        Column(
            "机构编码", "code", "code", True, example="DXRM", says="医共体内唯一，启用后不要改动"
        ),
        Column("机构名称", "name", required=True, example="稻溪县人民医院", says="居民看到的名称"),
        Column(
            "层级",
            "tier",
            "choice",
            True,
            TIERS,
            TIER_ALIASES,
            example="县级医院",
            says="决定内置的预约规则",
        ),
        Column(
            "类型",
            "kind",
            "choice",
            False,
            {"综合": "general", "中医": "tcm"},
            default="general",
            example="综合",
            says="空白为综合",
        ),
        Column("上级机构编码", "parent", "code", says="村卫生室必填；上级的层级要更高"),
        Column("地址", "address", most=120, example="稻溪县城关镇安康路 1 号", says="详细地址"),
        Column("电话", "phone", "phone", example="0500-8600001", says="咨询电话"),
        Column(
            "纬度",
            "latitude",
            "degrees",
            low=3,
            high=54,
            example="28.4321",
            says="GCJ-02（腾讯、高德地图坐标），单位度；与经度同填",
        ),
        Column("经度", "longitude", "degrees", low=73, high=136, example="118.2345", says="同上"),
        Column("门诊时间", "hours", most=120, example="每日 08:00-17:30", says="给居民看的文字"),
    ),
    ("code",),
    "县级医院、乡镇卫生院（社区卫生服务中心）、村卫生室（社区卫生服务站）。从表中消失的机构将停用。",
    (Reference(("parent",), "above-{tier}", "「医疗机构」表中层级更高的机构编码"),),
    least=1,
)

DEPARTMENTS = Sheet(
    "departments",
    "科室",
    (
        ORGANIZATION,
        Column("科室编码", "code", "code", True, example="XNK", says="机构内唯一，启用后不要改动"),
        Column(
            "科室名称", "name", required=True, most=40, example="心血管内科", says="居民看到的名称"
        ),
        Column(
            "诊疗科目代码",
            "specialty_code",
            "specialty",
            example="03.04",
            says="《医疗机构诊疗科目名录》代码；单元格请设为文本，否则 03.04 会变成 3.04",
        ),
        Column("位置", "location", example="门诊楼3楼东", says="到哪里就诊"),
        Column(
            "症状关键词",
            "keywords",
            most=300,
            example="胸闷 心慌 高血压",
            says="居民的说法，用空格隔开，搜索时用",
        ),
    ),
    ("organization", "code"),
    "各机构的门诊科室。从表中消失的科室将停用。",
    (TO_ORGANIZATION,),
)

PRACTITIONERS = Sheet(
    "practitioners",
    "医生",
    (
        Column("工号", "code", "code", True, example="10001", says="医共体内唯一；一位医生一个"),
        Column("姓名", "name", required=True, most=30, example="林知远", says="居民看到的姓名"),
        Column("职称", "title", most=20, example="主任医师", says="收费按职称区分时要写得一致"),
        Column(
            "擅长", "good_at", most=300, example="高血压、冠心病的长期管理", says="给居民看的文字"
        ),
    ),
    ("code",),
    "每位医生一行；在几处出诊写在「执业点」。从表中消失的医生将停用。",
)

ROLES = Sheet(
    "roles",
    "执业点",
    (
        PRACTITIONER,
        ORGANIZATION,
        DEPARTMENT,
        Column(
            "执业类型",
            "kind",
            "choice",
            True,
            {"主执业点": "main", "专家下沉": "outreach"},
            {"下沉": "专家下沉"},
            example="主执业点",
            says="专家下沉是第二个执业点，不是第二位医生",
        ),
        Column(
            "开始日期", "from_on", "date", example="2026-11-23", says="含当日；空白为不限；下沉必填"
        ),
        Column(
            "结束日期", "to_on", "date", example="2027-05-31", says="含当日；空白为不限；下沉必填"
        ),
    ),
    ("practitioner", "organization", "department", "kind", "from_on"),
    "医生在哪个科室执业。同一医生在同一科室的日期不能重叠。排班只在执业日期内放号。",
    (TO_PRACTITIONER, TO_DEPARTMENT),
)

TEMPLATES = Sheet(
    "templates",
    "排班模板",
    (
        ORGANIZATION,
        DEPARTMENT,
        _optional(PRACTITIONER, "空白为科室号（不指定医生）"),
        Column(
            "星期",
            "weekday",
            "choice",
            True,
            WEEKDAYS,
            WEEKDAY_ALIASES,
            example="周一",
            says="调休上班的周末按所补的那一天出诊",
        ),
        PERIOD,
        KIND,
        Column("开始时间", "starts", "time", True, example="08:00", says="北京时间"),
        Column("结束时间", "ends", "time", True, example="11:30", says="晚于开始时间"),
        Column(
            "号源间隔（分钟）",
            "slot_minutes",
            "integer",
            True,
            low=5,
            high=240,
            example="30",
            says="班次时长要能被它整除",
        ),
        Column(
            "每段号数",
            "capacity",
            "integer",
            True,
            low=1,
            high=200,
            example="4",
            says="每个时段可预约的人数",
        ),
        Column(
            "挂号费（元）",
            "fee_fen",
            "money",
            low=0,
            high=10_000,
            says="空白时按「收费」表",
        ),
        Column(
            "节假日出诊", "works_on_holidays", "flag", default=False, example="否", says="空白为否"
        ),
        Column("起始日期", "from_on", "date", says="含当日；空白为不限"),
        Column("终止日期", "to_on", "date", says="含当日；空白为不限"),
    ),
    ("organization", "department", "practitioner", "weekday", "period", "kind", "from_on"),
    "每周重复的班次，一行一个。法定节假日自动不放号。已放出的号不随模板改动；从表中消失的模板将停用，在排班页面上新建或改过的也一样，导入前的检查会说明有几个。",
    (TO_DEPARTMENT, TO_PRACTICE),
)

EXCEPTIONS = Sheet(
    "exceptions",
    "排班例外",
    (
        Column("日期", "held_on", "date", True, example="2027-02-06", says="哪一天与模板不同"),
        ORGANIZATION,
        _optional(DEPARTMENT, "空白为全院"),
        _optional(PRACTITIONER, "空白为科室全部"),
        _optional(PERIOD, "空白为全天"),
        Column(
            "处理",
            "action",
            "choice",
            True,
            ACTIONS,
            example="停诊",
            says="停诊；加开（节假日照常出诊）；调号（改每段号数）",
        ),
        Column(
            "每段号数", "capacity", "integer", low=0, high=200, says="调号必填，加开可填，停诊不填"
        ),
        Column("原因", "reason", most=100, example="外出进修", says="给居民看的文字"),
    ),
    ("held_on", "organization", "department", "practitioner", "period"),
    "某一天与模板不同。越具体的越优先（医生、科室、时段、全院）。从表中消失的例外将删除。"
    "已放出的号遇到停诊，一小时内停止预约；已约的人不会自动收到通知，请电话联系。"
    "调号只对还没有放出的日子有效。",
    (TO_ORGANIZATION, TO_DEPARTMENT, TO_PRACTITIONER),
)

FEES = Sheet(
    "fees",
    "收费",
    (
        ORGANIZATION,
        KIND,
        Column("职称", "title", most=20, example="主任医师", says="空白为任何职称"),
        Column("金额（元）", "amount_fen", "money", True, low=0, high=10_000, example="18.00"),
        Column(
            "收费项目", "item", required=True, example="主任医师门诊诊查费", says="公示的项目名称"
        ),
        Column("收费依据", "basis", most=120, says="价格文件"),
    ),
    ("organization", "kind", "title"),
    "诊查费，按机构、号别和职称。从表中消失的收费将删除。",
    (TO_ORGANIZATION,),
)

POLICIES = Sheet(
    "policies",
    "预约规则",
    (
        Column("规则编码", "code", "code", True, example="XIAN-ZHUANJIA", says="启用后不要改动"),
        _optional(ORGANIZATION, "空白为任何机构"),
        Column("层级", "tier", "choice", False, TIERS, TIER_ALIASES, says="空白为任何层级"),
        _optional(KIND, "空白为任何号别"),
        Column("生效日期", "effective_from", "date", True, example="2026-11-23", says="含当日"),
        *POLICY_NUMBERS,
    ),
    ("code",),
    "预约的各项数字，空白的用内置值。越具体的越优先（机构、层级、号别）。改动即成为新版本，旧预约仍按旧版本。",
    (TO_ORGANIZATION,),
    most=POLICIES_MOST,
)

ANNOUNCEMENTS = Sheet(
    "announcements",
    "公告",
    (
        Column("公告编码", "code", "code", True, example="2026-11-YIMIAO", says="医共体内唯一"),
        _optional(ORGANIZATION, "空白为全县"),
        Column("标题", "title", required=True, most=40, example="流感疫苗本周开始接种"),
        Column(
            "正文",
            "text",
            required=True,
            most=500,
            example="60 岁以上居民凭身份证到各乡镇卫生院免费接种。",
            says="给居民看的文字",
        ),
        Column("开始日期", "from_on", "date", True, example="2026-11-23", says="含当日"),
        Column("结束日期", "to_on", "date", True, example="2026-12-31", says="含当日"),
    ),
    ("code",),
    "小程序首页的公告，到开始日期才出现，过了结束日期不再显示。从表中消失的公告将删除。",
    (TO_ORGANIZATION,),
    most=ANNOUNCEMENTS_MOST,
)

SHEETS = (
    CONSORTIUM,
    ORGANIZATIONS,
    DEPARTMENTS,
    PRACTITIONERS,
    ROLES,
    TEMPLATES,
    EXCEPTIONS,
    FEES,
    ANNOUNCEMENTS,
    POLICIES,
)
