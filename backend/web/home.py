"""What the person who is logged in may do."""

from backend.consortium.directory import Directory, directory
from backend.errors import NotFound
from backend.identity.access import Grant
from backend.staff.wording import EVERYWHERE, ROLES
from backend.web import nav
from backend.web.page import Show, page, show
from backend.web.view import View


@page("GET", "/")
async def home(view: View) -> Show:
    """The first page: roles, and a way to each page of the navigation."""
    county = await directory(view.actor.consortium_id)
    roles = [_role(grant, county) for grant in view.actor.grants]
    ways = [entry for entry in nav.entries(view.actor) if entry.path != "/"]
    return show("home.html", roles=roles, ways=ways, county=county)


@page("GET", "/<anything:path>", stage="public")
async def missing(view: View, anything: str) -> Show:
    """No such page, in the frame of the others. Raises NotFound."""
    raise NotFound(f"没有这个页面：/staff/{anything[:60]}")


def _role(grant: Grant, county: Directory) -> tuple[str, str, str]:
    """A role, its institution, and how many more stand below that one."""
    within = grant.organization_ids
    if within is None:
        return ROLES[grant.role], EVERYWHERE, ""
    known = [org for org in county.organizations.values() if org.id in within]
    top = next((org.name for org in known if org.parent_id not in within), "已停用的机构")
    return ROLES[grant.role], top, f"及下属 {len(known) - 1} 家" if len(known) > 1 else ""
