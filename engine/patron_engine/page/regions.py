"""Regions: the official divisions of China as a tree of names, and an address in one line taken apart by them.

In: the tree (provinces, their cities, their districts) and a text as it is copied from a chat or an order. Out: the parts of an
address, the person and the telephone that stood beside it. Nothing is guessed: a name that two regions have says nothing
without what is above it, and what is no region stays in the street.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 1_000  # characters of a text that is looked at

_PHONE = re.compile(
    r"(?<![\d-])(?:\+?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4}|0\d{2,3}-\d{7,8}(?:-\d{1,6})?)(?!\d)"
)
_POSTCODE = re.compile(r"(?<![\d-])\d{6}(?![\d-])")
_SAID = re.compile(
    r"(?:收货人|收件人|收貨人|联系人|姓名|收货地址|详细地址|所在地区|地址|手机号码|手机号|手机|联系电话|电话|邮编|邮政编码)\s*[:\uff1a]"
)
_BETWEEN = re.compile(r"[\s,;|/()\uff0c\uff1b\u3001\uff08\uff09\u3000]+")
_PERSON = re.compile(r"[一-鿿·]{2,4}(?:先生|女士|小姐)?")
_PLACE = re.compile(r"[路街道巷号楼室栋幢弄村镇乡县区市省座层园苑厦场城院组]")
_FILLER = ("市辖区", "省直辖县", "县")  # steps of other tables that name no place
_PEOPLES = re.compile(
    r"(?:朝鲜族|土家族|苗族|藏族|羌族|彝族|布依族|侗族|哈尼族|壮族|傣族|景颇族|白族|傈僳族|回族|蒙古族?|哈萨克|柯尔克孜)+(?=自治州)"
)
_KINDS = frozenset("省市州区县旗盟")  # what follows a short name that is part of another: 朝阳 in 朝阳区
_SUFFIX = re.compile(r"(?:维吾尔|壮族|回族)?(?:特别行政区|自治区|自治州|地区|省|市|盟)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One place in the tree: names from the province down."""

    province: str
    city: str = ""
    district: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """An address that was taken apart. `person` and `phone` stood beside it and belong to no address."""

    region: Region
    street: str = ""
    postcode: str = ""
    person: str = ""
    phone: str = ""


class Regions:
    """The tree. Made once of `[[province, [[city, [district, …]], …]], …]`."""

    def __init__(self, tree: Sequence[Any]) -> None:
        self._first: dict[str, list[Region]] = {}
        self._below: dict[tuple[str, str], list[tuple[str, Region]]] = {}
        for province, cities in tree:
            self._know(province, Region(province=province), city=False)
            for city, districts in cities:
                here = Region(province=province, city=city)
                self._know(city, here, city=True)
                self._put((province, ""), city, here)
                for district in districts:
                    there = Region(province=province, city=city, district=district)
                    self._first.setdefault(district, []).append(there)
                    self._below.setdefault((province, ""), []).append((district, there))
                    self._below.setdefault((province, city), []).append((district, there))

    def _know(self, name: str, region: Region, *, city: bool) -> None:
        for spelling in _spellings(name):
            known = self._first.setdefault(spelling, [])
            if not city or not any(not other.city for other in known):  # 北京: the province before its city
                known.append(region)

    def _put(self, above: tuple[str, str], name: str, region: Region) -> None:
        self._below.setdefault(above, []).extend((spelling, region) for spelling in _spellings(name))

    def at(self, text: str) -> tuple[Region, int] | None:
        """The region a text begins with, and how many characters name it."""
        found = self._begin(text)
        while found is not None:
            region, end = found
            if region.district:
                break
            further = self._further(region, text, end)
            if further is None:
                break
            found = further
        return found

    def _begin(self, text: str) -> tuple[Region, int] | None:
        for length in range(min(len(text), 16), 1, -1):
            known = self._first.get(text[:length], ())
            if text[length : length + 1] in _KINDS and text[length - 1] not in _KINDS:
                continue
            if len(known) == 1:
                return known[0], length
        return None

    def _further(self, region: Region, text: str, end: int) -> tuple[Region, int] | None:
        end += len(text[end:]) - len(text[end:].lstrip())
        for filler in _FILLER:
            if text.startswith(filler, end):
                end += len(filler)
        best: tuple[Region, int] | None = None
        for name, there in self._below.get((region.province, region.city), ()):
            if text.startswith(name, end) and (best is None or end + len(name) > best[1]):
                best = there, end + len(name)
        return best


def _spellings(name: str) -> Iterator[str]:
    """A name as it is written: whole, without its peoples, without what it is."""
    yield name
    plain = _PEOPLES.sub("", name)
    short = _SUFFIX.sub("", plain)
    if plain != name:
        yield plain.replace("自治州", "州")
    if len(short) > 1 and short != name:
        yield short


def take_apart(text: str, regions: Regions) -> Apart | None:
    """The parts of an address in one line; None when no region is named in it.

    >>> tree = Regions([["浙江省", [["杭州市", ["西湖区"]]]]])
    >>> take_apart("杭州西湖区文三路1号 张三 13800138000", tree).street
    '文三路1号'
    """
    plain = _SAID.sub(" ", text[:LONGEST])
    plain, phone = _without(_PHONE, plain)
    plain, postcode = _without(_POSTCODE, plain)
    words = [word for word in _BETWEEN.split(plain) if word]
    best: tuple[int, Region, str] | None = None
    for n in range(len(words)):
        found = regions.at(" ".join(words[n:]))
        if found is None:
            continue
        region, end = found
        depth = bool(region.city) + bool(region.district)
        if best is None or depth > bool(best[1].city) + bool(best[1].district):
            best = n, region, " ".join(words[n:])[end:].strip()
    if best is None:
        return None
    first, region, rest = best
    if not region.city and not rest:
        return None
    after = rest.split()
    person = next((word for word in (*words[:first], *reversed(after[1:])) if _is_person(word)), "")
    street = [word for word in after if word != person] + [w for w in words[:first] if w != person]
    gap = "" if any("一" <= c <= "鿿" for c in "".join(street)) else " "
    return Apart(
        region=region,
        street=gap.join(street),
        postcode=postcode,
        person=person,
        phone=re.sub(r"[ ]", "", phone),
    )


def _is_person(word: str) -> bool:
    return _PERSON.fullmatch(word) is not None and _PLACE.search(word) is None


def _without(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """The text without the first match, and the match."""
    found = pattern.search(text)
    if found is None:
        return text, ""
    return f"{text[: found.start()]} {text[found.end() :]}", found[found.lastindex or 0]
