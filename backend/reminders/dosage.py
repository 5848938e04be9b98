"""Pure: what is taken, as it stands on the box or the prescription. Nobody here knows medicines."""

from datetime import date, timedelta

import msgspec

from backend.errors import Malformed
from backend.reminders import timetable
from backend.reminders.timetable import DAYS_MOST, Timing

MEDICINE_MOST, AMOUNT_MOST, AT_MOST_MOST, NOTE_MOST = 60, 30, 60, 200
NOT_YET = "到点提醒还没有开通，请照医嘱按时服药。"


class Dosage(msgspec.Struct, frozen=True, kw_only=True):
    """FHIR `Dosage`, in words; `amount` is taken each time.

    `as_needed`: without hours, and never an alarm; `at_most` says how much a day and how far apart.
    """

    medicine: str
    amount: str
    timing: Timing
    as_needed: bool = False
    at_most: str = ""
    note: str = ""


def how(dosage: Dosage) -> str:
    """`1 片，每天 2 次，早饭后、晚饭后`."""
    if dosage.as_needed:
        return f"{dosage.amount}，需要时才用，{dosage.at_most}"
    return f"{dosage.amount}，{timetable.words(dosage.timing)}"


def check(dosage: Dosage, today: date) -> Dosage:
    """As it may be written today, without blanks around its words. Raises Malformed."""
    dosage = msgspec.structs.replace(
        dosage,
        medicine=_line(dosage.medicine, "medicine", "药名", 1, MEDICINE_MOST),
        amount=_line(dosage.amount, "amount", "每次用量", 1, AMOUNT_MOST),
        at_most=_line(dosage.at_most, "at_most", "最多用量和间隔", 0, AT_MOST_MOST),
        note=_line(dosage.note, "note", "备注", 0, NOTE_MOST),
        timing=timetable.sound(dosage.timing),
    )
    timetable.begins_soundly(dosage.timing, today)
    _check_need(dosage)
    return dosage


def _line(text: str, field: str, name: str, least: int, most: int) -> str:
    text = " ".join(text.split())
    if len(text) < least:
        raise Malformed(f"请写{name}。", field=field)
    if len(text) > most:
        raise Malformed(f"{name}最多 {most} 个字。", field=field)
    return text


def _check_need(dosage: Dosage) -> None:
    has_hours = bool(dosage.timing.times or dosage.timing.when)
    if not dosage.as_needed and not has_hours:
        raise Malformed("请选饭前、饭后或睡前，或写几点吃。", field="when")
    if dosage.as_needed and has_hours:
        raise Malformed("需要时才用的药不写什么时候吃。", field="as_needed")
    if dosage.as_needed and not dosage.at_most:
        raise Malformed("需要时才用的药，请写一天最多多少、隔多久才能再用。", field="at_most")
    if dosage.at_most and not dosage.as_needed:
        raise Malformed("只有需要时才用的药写最多用量和间隔。", field="at_most")


def last_day(first: date) -> date:
    """The latest that a plan from that day on may last."""
    return first + timedelta(days=DAYS_MOST - 1)
