"""微信账号: what an account knows of itself."""

from backend import audit, db
from backend.crypto import Vault
from backend.errors import NotFound
from backend.identity import consents
from backend.identity.access import Actor, lock
from backend.identity.documents import mask_phone
from backend.identity.errors import NotYourself
from backend.identity.models import Account as Account

PHONE_COLUMN = "account.phone"
OPENID_COLUMN = "account.openid"


def openid_index(vault: Vault, openid: str) -> str:
    """The blind index under which an openid is found."""
    return vault.index(OPENID_COLUMN, openid)


async def mine(actor: Actor) -> Account:
    """Raises NotFound."""
    account = await Account.get_or_none(id=actor.account_id)
    if account is None:
        raise NotFound
    return account


async def set_phone(actor: Actor, vault: Vault, phone: str) -> Account:
    """Keep a phone that WeChat has verified, sealed. Raises ConsentWithdrawn."""
    async with db.transaction():
        await lock(actor)
        await consents.check(actor)
        await Account.filter(id=actor.account_id).update(
            phone_sealed=vault.seal(phone, bound_to=PHONE_COLUMN),
            phone_index=vault.index(PHONE_COLUMN, phone),
        )
        await audit.record(actor, "account.phone_set", entity_id=actor.account_id)
        return await mine(actor)


def masked_phone(vault: Vault, account: Account) -> str | None:
    if account.phone_sealed is None:
        return None
    return mask_phone(vault.open(account.phone_sealed, bound_to=PHONE_COLUMN))


async def prove(actor: Actor, vault: Vault, openid: str) -> None:
    """Whether the WeChat user who is there now is the account's own. Raises NotYourself."""
    if (await mine(actor)).openid_index != openid_index(vault, openid):
        raise NotYourself
