"""Pure: what each role may do. A right holds only for the institutions of the role."""

RIGHTS: dict[str, frozenset[str]] = {
    "doctor": frozenset(
        {
            "clinic.day",  # the day list and the queue of one's own schedules
            "clinic.call",  # call, recall, skip, finish
            "schedule.read",
            "priority.book",  # into the priority pool, for a contracted resident
            "contract.edit",  # family doctors' contracts: one's own
            "chat.read",  # the lists and what is in them; what one may do is answer or oversee
            "chat.answer",  # claim and answer conversations
            "plan.edit",  # plans of one's own residents
        }
    ),
    "institution_admin": frozenset(
        {
            "clinic.day",
            "clinic.call",
            "clinic.desk",  # check in at the desk, walk-ins
            "contract.edit",
            "contract.oversee",  # those of every doctor there
            "schedule.read",
            "schedule.edit",
            "schedule.suspend",
            "pool.edit",
            "draw.edit",
            "waitlist.read",
            "appeal.decide",
            "amnesty.grant",
            "chat.read",
            "chat.oversee",  # every conversation there, and what nobody took
            "chat.duty",  # working hours, leave, on-call lists
            "report.read",
            "survey.read",  # what residents wrote of the place
            "plan.oversee",  # follow-ups that no doctor has in their list any more
            "staff.manage",
        }
    ),
    "consortium_admin": frozenset(
        {
            "clinic.day",
            "clinic.call",
            "clinic.desk",
            "schedule.read",
            "schedule.edit",
            "schedule.suspend",
            "schedule.import",
            "pool.edit",
            "draw.edit",
            "waitlist.read",
            "appeal.decide",
            "amnesty.grant",
            "chat.read",
            "chat.oversee",
            "chat.duty",
            "policy.simulate",
            "report.read",
            "staff.manage",
        }
    ),
    "auditor": frozenset({"schedule.read", "report.read", "waitlist.read", "audit.read"}),
}
