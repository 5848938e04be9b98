"""What the person who is logged in may do."""

from backend import clock
from backend.booking import tally
from backend.consortium.directory import Directory, directory
from backend.errors import NotFound
from backend.identity.access import Grant
from backend.staff.wording import ROLES
from backend.web import nav
from backend.web.page import Show, page, show
from backend.web.view import View, place_of


@page("GET", "/")
async def home(view: View) -> Show:
    """The first page: roles, and a way to each page of the navigation."""
    county = await directory(view.actor.consortium_id)
    roles = [_role(grant, county) for grant in view.actor.grants]
    ways = [entry for entry in nav.entries(view.actor) if entry.path != "/"]
    doctor = view.actor.practitioner_id is not None
    figures = None
    if view.may(tally.READ):
        figures = await tally.of_day(view.actor, clock.today(), own=doctor)
    return show("home.html", roles=roles, ways=ways, county=county, figures=figures, doctor=doctor)


@page("GET", "/<anything:path>", stage="public")
async def missing(view: View, anything: str) -> Show:
    """No such page, in the frame of the others. Raises NotFound."""
    raise NotFound(f"没有这个页面：/staff/{anything[:60]}")


def _role(grant: Grant, county: Directory) -> tuple[str, str, str]:
    """A role, its institution, and how many more stand below that one."""
    within = grant.organization_ids
    more = sum(org_id in within for org_id in county.organizations) - 1 if within else 0
    return ROLES[grant.role], place_of(grant, county), f"及下属 {more} 家" if more > 0 else ""
