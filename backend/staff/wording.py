"""What people read about roles."""

ROLES = {
    "doctor": "医生",
    "institution_admin": "机构管理员",
    "consortium_admin": "医共体管理员",
    "auditor": "审计员",
}
EVERYWHERE = "整个医共体"
