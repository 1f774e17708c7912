"""Values are told as the driver sends them."""

import enum

from django.db import connection

from tests.django.tracking.shop.models import Country, Tag


class Code(str, enum.Enum):  # noqa: UP042 - a StrEnum prints its value, this one doesn't
    NIGER = "ne"


class Shifted(int):
    def __int__(self) -> int:
        return 1 + int.__int__(self)


def name_of(code: str) -> list[str]:
    return [country.name for country in Country.objects.filter(code=code)]


def test_what_is_read_by_an_enum_is_made_untrue_by_a_text(shop, counted):
    load = counted(lambda: name_of(Code.NIGER))
    Country.objects.create(code="ne", name="Niger")
    assert not load.is_kept()
    Country.objects.filter(code="ne").update(name="Niger Republic")
    assert not load.is_kept()
    assert load() == ["Niger Republic"]


def test_what_is_read_by_a_text_is_made_untrue_by_an_enum(shop, counted):
    load = counted(lambda: name_of("ne"))
    Country.objects.create(code=Code.NIGER, name="Niger")
    assert not load.is_kept()
    Country.objects.filter(code=Code.NIGER).update(name="Niger Republic")
    assert not load.is_kept()
    Country.objects.filter(code=Code.NIGER).delete()
    assert not load.is_kept()


def test_a_number_is_what_it_holds_whatever_its_class_says(shop, counted):
    def read() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM shop_tag WHERE id = %s", [Shifted(red.pk)])
            return [name for (name,) in cursor.fetchall()]

    red = Tag.objects.create(name="red")
    load = counted(read)
    Tag.objects.filter(pk=red.pk).update(name="blue")
    assert not load.is_kept()
    assert load() == ["blue"]
