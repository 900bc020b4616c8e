"""Rights for the tests over HTTP: roles and a sharing rule published into the workspace, people who have them.

with_roles(opened)                                  # once a file
person = has(opened, REP, "c_rep")                  # the id of the user record
"""

from __future__ import annotations

from patron_engine.actor import SYSTEM
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_platform.identity.accounts import create_user, set_password
from patron_platform.workspace import OPERATOR
from patron_testing.build import documents_of
from patron_testing.web import PASSWORD, WORKSPACE, Opened

ROLES = """
kind: role
name: c_rep
label: {en: Seller, zh-CN: 销售员, zh-TW: 業務員}
objects:
  user: {read: all}
  account: {create: true, read: own, update: own}
fields:
  account: {phone: none}
---
kind: role
name: c_reader
label: {en: Reader, zh-CN: 浏览者, zh-TW: 瀏覽者}
objects:
  user: {read: all}
  account: {read: all, where: {read: "name != 'Closed'"}}
---
kind: role
name: c_people
label: {en: People desk, zh-CN: 人事, zh-TW: 人事}
objects:
  user: {read: all, update: all}
  account: {read: all}
actions: [manage_users]
---
kind: role
name: c_door
label: {en: Guest, zh-CN: 访客, zh-TW: 訪客}
for_users: portal
objects:
  account: {read: all}
---
kind: sharing
name: c_named_open
label: {en: Open ones, zh-CN: 公开客户, zh-TW: 公開客戶}
object: account
where: "name == 'Open'"
to: [{role: c_rep}]
give: read
"""


def publish(opened: Opened, text: str) -> None:
    """These documents as the workspace's own layer."""
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(OPERATOR, place.plan_own(documents_of(text)))


def with_roles(opened: Opened) -> None:
    publish(opened, ROLES)


def has(opened: Opened, email: str, *roles: str, **more: object) -> str:
    """The user with this address, made where he is missing, with exactly these roles."""
    place = opened.service.runtime.workspace(WORKSPACE)
    create_user(opened.service.databases, place, email)
    with opened.service.databases.system() as conn:
        set_password(conn, email, PASSWORD)
    row = place.read(SYSTEM, Ask(object="user", where=f'email == "{email}"', fields=("id",))).rows()[0]
    id = str(row["id"])
    change = Change(action="update", object="user", id=id, set={"roles": list(roles) or None, **more})
    place.save(SYSTEM, [change])
    return id
