"""Addresses in one line, taken apart by the official table."""

from __future__ import annotations

import pytest

from patron_engine.page.regions import LONGEST, Apart, Region, Regions, take_apart

TREE = Regions(
    [
        ["北京市", [["北京市", ["海淀区", "朝阳区"]]]],
        ["辽宁省", [["朝阳市", ["双塔区"]]]],
        ["浙江省", [["杭州市", ["西湖区", "余杭区"]], ["金华市", ["义乌市"]]]],
        ["吉林省", [["长春市", ["朝阳区"]]]],
        ["江西省", [["南昌市", ["西湖区"]]]],
        ["湖北省", [["恩施土家族苗族自治州", ["利川市"]]]],
        ["海南省", [["琼海市", []]]],
        ["内蒙古自治区", [["呼和浩特市", ["新城区"]]]],
    ]
)


def parts(text: str) -> tuple[str, ...]:
    found = take_apart(text, TREE)
    assert found is not None
    return (found.region.province, found.region.city, found.region.district, found.street)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("浙江省杭州市西湖区文三路1号", ("浙江省", "杭州市", "西湖区", "文三路1号")),
        ("浙江 杭州 西湖区 文三路1号 西溪大厦", ("浙江省", "杭州市", "西湖区", "文三路1号西溪大厦")),
        ("杭州市余杭区文一西路969号", ("浙江省", "杭州市", "余杭区", "文一西路969号")),
        ("浙江省义乌市稠城街道", ("浙江省", "金华市", "义乌市", "稠城街道")),
        ("北京市市辖区海淀区中关村大街1号", ("北京市", "北京市", "海淀区", "中关村大街1号")),
        ("北京朝阳区建国路1号", ("北京市", "北京市", "朝阳区", "建国路1号")),
        ("恩施州利川市清江大道", ("湖北省", "恩施土家族苗族自治州", "利川市", "清江大道")),
        ("海南省琼海市嘉积镇", ("海南省", "琼海市", "", "嘉积镇")),
        ("内蒙古呼和浩特新城区", ("内蒙古自治区", "呼和浩特市", "新城区", "")),
    ],
)
def test_an_address_is_taken_apart(text: str, expected: tuple[str, ...]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "张三 13800138000 浙江省杭州市西湖区文三路1号 310012",
        "浙江省杭州市西湖区文三路1号,张三,138-0013-8000,310012",
        "收货人:张三 电话:+86 138 0013 8000 地址:浙江省 杭州市 西湖区 文三路1号 邮编:310012",
    ],
)
def test_who_stands_beside_an_address_is_no_part_of_it(text: str) -> None:
    found = take_apart(text, TREE)
    assert found is not None
    assert found.region == Region(province="浙江省", city="杭州市", district="西湖区")
    assert (found.street, found.postcode, found.person) == ("文三路1号", "310012", "张三")
    assert found.phone.replace("-", "") == "13800138000"


@pytest.mark.parametrize(
    "text", ["", "西湖区文三路1号", "朝阳区建国路1号", "1 Main St, Springfield", "浙江", "x" * 9]
)
def test_what_names_no_place_for_certain_is_left_alone(text: str) -> None:
    assert take_apart(text, TREE) is None


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    assert take_apart("x" * LONGEST + " 浙江省杭州市西湖区", TREE) is None


def test_a_parcel_without_a_person_has_none() -> None:
    assert take_apart("浙江省杭州市西湖区文三路1号", TREE) == Apart(
        region=Region(province="浙江省", city="杭州市", district="西湖区"), street="文三路1号"
    )
