from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import ANONYMOUS, Principal, Role, Visibility
from moorage.domain.access import CredentialKind as Kind
from moorage.domain.errors import NamespaceUnknownError
from moorage.domain.projects import GroupInvalidError, Scope
from moorage.store import members, namespaces
from moorage.store.namespaces import GroupFilter, NewGroup

if TYPE_CHECKING:
    from moorage.domain.accounts import Account
    from moorage.domain.projects import Namespace
    from moorage.ports.database import Database, Tx

ADMIN = Principal(99, "root", admin=True, kind=Kind.PERSONAL)


def as_principal(account: Account, *, external: bool = False) -> Principal:
    return Principal(
        account.id, account.username, external=external, kind=Kind.PERSONAL
    )


def three_deep(tx: Tx) -> tuple[Namespace, Namespace, Namespace]:
    top = rows.a_group(tx, "Top")
    middle = rows.a_group(tx, "middle", top)
    return top, middle, rows.a_group(tx, "bottom", middle)


async def test_a_group_is_found_by_number_and_path(database: Database) -> None:
    def body(tx: Tx) -> None:
        top, middle, bottom = three_deep(tx)
        assert bottom.full_path == "Top/middle/bottom"
        assert bottom.parent_id == middle.id
        assert namespaces.find(tx, top.id) == top
        assert namespaces.find_by_path(tx, "TOP/Middle") == middle
        assert namespaces.find_by_path(tx, "middle") is None
        assert namespaces.find(tx, 99) is None

    await database.write(body)


async def test_the_deepest_namespace_of_a_path_is_found(database: Database) -> None:
    def body(tx: Tx) -> None:
        top, middle, _ = three_deep(tx)
        found = namespaces.find_longest
        assert found(tx, "top/app") == top
        assert found(tx, "top/MIDDLE/app/x/y") == middle
        assert found(tx, "top/middle") == top
        assert found(tx, "top") is None
        assert found(tx, "topp/app") is None

    await database.write(body)


async def test_a_path_belongs_to_one_thing(database: Database) -> None:
    def body(tx: Tx) -> None:
        rows.a_project(tx, rows.a_group(tx, "top"), "app")
        rows.a_group(tx, "APP", namespaces.find_by_path(tx, "top"))

    with pytest.raises(GroupInvalidError) as caught:
        await database.write(body)
    assert caught.value.detail == {"path": ["has already been taken"]}

    def nothing_is_left(tx: Tx) -> None:
        assert namespaces.find_by_path(tx, "top") is None

    await database.read(nothing_is_left)


async def test_an_account_has_a_namespace_of_its_own(database: Database) -> None:
    def body(tx: Tx) -> None:
        account = rows.an_account(tx, "Jane")
        own = namespaces.create_personal(tx, account, now=NOW)
        assert namespaces.find_of_account(tx, account.id) == own
        assert namespaces.find_by_path(tx, "jane") == own
        assert namespaces.find_of_account(tx, 99) is None

    await database.write(body)


async def test_chains_lead_from_the_top(database: Database) -> None:
    def body(tx: Tx) -> None:
        top, middle, bottom = three_deep(tx)
        assert namespaces.chains(tx, [bottom.id, top.id, bottom.id, 99]) == {
            bottom.id: [top, middle, bottom],
            top.id: [top],
        }
        assert namespaces.descendant_ids(tx, top.id) == [bottom.id, middle.id, top.id]

    await database.write(body)


async def test_a_group_is_changed_and_removed_when_empty(database: Database) -> None:
    def body(tx: Tx) -> None:
        top, middle, bottom = three_deep(tx)
        changed = replace(
            bottom, name="New", visibility=Visibility.PRIVATE, description="text"
        )
        namespaces.update(tx, changed)
        assert namespaces.find(tx, bottom.id) == changed
        assert namespaces.holds_anything(tx, middle.id)
        assert namespaces.delete(tx, bottom.id)
        assert not namespaces.delete(tx, bottom.id)
        assert not namespaces.holds_anything(tx, middle.id)
        rows.a_project(tx, middle)
        assert namespaces.holds_anything(tx, middle.id)
        rows.a_group(tx, "bottom", top)

    await database.write(body)


def a_group(tx: Tx, path: str, visibility: Visibility) -> Namespace:
    new = NewGroup(name=path, path=path, visibility=visibility)
    return namespaces.create_group(tx, new, now=NOW)


async def test_a_list_shows_what_its_reader_may_see(database: Database) -> None:
    def body(tx: Tx) -> None:
        public = a_group(tx, "a", Visibility.PUBLIC)
        internal = a_group(tx, "b", Visibility.INTERNAL)
        private = a_group(tx, "c", Visibility.PRIVATE)
        below = rows.a_group(tx, "d", private)
        namespaces.update(tx, replace(below, visibility=Visibility.PRIVATE))
        stranger, member = rows.an_account(tx, "x"), rows.an_account(tx, "y")
        namespaces.create_personal(tx, stranger, now=NOW)
        members.put(tx, Scope(namespace_id=private.id), member.id, Role.GUEST, now=NOW)

        def ids(principal: Principal) -> list[int]:
            wanted = GroupFilter()
            sight = members.sight_of(tx, principal, Role.NONE, NOW)
            found = namespaces.list_groups(tx, sight, wanted, limit=10, offset=0)
            assert namespaces.count_groups(tx, sight, wanted, limit=10) == len(found)
            return [group.id for group in found]

        everything = [public.id, internal.id, private.id, below.id]
        assert ids(ANONYMOUS) == [public.id]
        assert ids(as_principal(stranger, external=True)) == [public.id]
        assert ids(as_principal(stranger)) == [public.id, internal.id]
        assert ids(as_principal(member)) == everything
        assert ids(ADMIN) == everything
        mine = namespaces.find_many(tx, members.reach(tx, member.id, NOW).namespaces)
        assert [one.id for one in mine] == [private.id, below.id]
        listed = namespaces.list_page(tx, None, limit=2, offset=3)
        assert [one.id for one in listed] == [below.id, everything[-1] + 1]
        assert namespaces.count(tx, None, limit=10) == 5
        assert namespaces.count(tx, None, limit=2) == 2
        listed = namespaces.list_page(tx, below.path, limit=9, offset=0)
        assert [one.id for one in listed] == [below.id]

    await database.write(body)


async def test_a_list_is_filtered_and_ordered(database: Database) -> None:
    def body(tx: Tx) -> None:
        top, middle, bottom = three_deep(tx)
        account = rows.an_account(tx, "jane")
        members.put(
            tx, Scope(namespace_id=middle.id), account.id, Role.DEVELOPER, now=NOW
        )
        principal = as_principal(account)

        def ids(wanted: GroupFilter, limit: int = 10, offset: int = 0) -> list[int]:
            sight = members.sight_of(tx, principal, wanted.min_level, NOW)
            found = namespaces.list_groups(
                tx, sight, wanted, limit=limit, offset=offset
            )
            return [group.id for group in found]

        assert ids(GroupFilter()) == [bottom.id, middle.id, top.id]
        assert ids(GroupFilter(ascending=False), 1, 1) == [middle.id]
        assert ids(GroupFilter(order_by="id")) == [top.id, middle.id, bottom.id]
        assert ids(GroupFilter(order_by="path", top_level_only=True)) == [top.id]
        assert ids(GroupFilter(parent_id=top.id)) == [middle.id]
        deep = GroupFilter(parent_id=top.id, deep=True)
        assert ids(deep) == [bottom.id, middle.id]
        assert ids(GroupFilter(skipped=[top.id])) == [bottom.id, middle.id]
        assert ids(GroupFilter(search="ott")) == [bottom.id]
        assert ids(GroupFilter(min_level=Role.DEVELOPER)) == [bottom.id, middle.id]
        assert ids(GroupFilter(min_level=Role.MAINTAINER)) == []

    await database.write(body)


async def test_a_group_is_got_or_unknown(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        assert namespaces.get(tx, group.id) == group
        with pytest.raises(NamespaceUnknownError):
            namespaces.get(tx, 99)

    await database.write(body)


@pytest.mark.parametrize("kind", ["group", "project"])
async def test_what_is_seen_by_more_people_is_noticed(
    database: Database, kind: str
) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        if kind == "group":
            below = rows.a_group(tx, "below", group)
            namespaces.update(tx, replace(below, visibility=Visibility.INTERNAL))
        else:
            rows.a_project(tx, group, "below", Visibility.INTERNAL)
        assert namespaces.holds_wider(tx, group.id, Visibility.PRIVATE)
        assert not namespaces.holds_wider(tx, group.id, Visibility.INTERNAL)
        assert not namespaces.holds_wider(tx, group.id, Visibility.PUBLIC)

    await database.write(body)
