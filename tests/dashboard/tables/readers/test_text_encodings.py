"""Texts of many languages in the encodings of their programs: read right, or said not to be sure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.tables.imports.records import import_records, read
from dashboard.tables.readers.delimited_text import read_sheet
from dashboard.tables.readers.sheets import UnreadableError
from dashboard.tables.readers.text_encodings import decoded

from ..checks.conftest import AS_OF, import_text, provider  # noqa: F401

TOWNS = {
    "Polish": "Kraków Łódź Gdańsk Wrocław Poznań Częstochowa Rzeszów Białystok Zielona Góra Świdnica Jastrzębie-Zdrój Dąbrowa Górnicza Tarnów",
    "Czech": "Plzeň Olomouc Ústí nad Labem Hradec Králové České Budějovice Jihlava Děčín Třebíč Přerov Znojmo Kroměříž Šumperk Žďár Prostějov",
    "Hungarian": "Győr Szeged Székesfehérvár Nyíregyháza Kecskemét Pécs Miskolc Kőszeg Hódmezővásárhely Szentendre Dunaújváros Gyöngyös Mezőkövesd Érd",
    "Portuguese": "São João da Madeira Guimarães Évora Setúbal Bragança Covilhã Portimão Loulé Olhão Mação Seixal Santarém Torres Vedras Alcobaça",
    "Spanish": "Málaga Cádiz Córdoba Logroño Almería León Ávila Cáceres Badajoz Castellón A Coruña Jaén Alcalá de Henares Móstoles Vigo",
    "French": "Besançon Orléans Nîmes Béziers Saint-Étienne Évreux Châteauroux Angoulême Périgueux Alès Bezons Sète Mâcon Vélizy",
    "German": "München Köln Düsseldorf Nürnberg Lübeck Würzburg Göttingen Fürth Gießen Saarbrücken Tübingen Görlitz Neumünster Großenhain",
    "Turkish": "Eskişehir Diyarbakır Muğla Çanakkale İzmir Kırşehir Şanlıurfa Balıkesir Aydın Elazığ Kütahya Uşak Niğde Iğdır Ağrı",
    "Greek": "Αθήνα Θεσσαλονίκη Πάτρα Λάρισα Ηράκλειο Βόλος Ιωάννινα Καβάλα Χανιά Καλαμάτα Κέρκυρα Ρόδος Τρίκαλα Σέρρες",
    "Russian": "Москва Казань Екатеринбург Нижний Новгород Челябинск Самара Уфа Ростов-на-Дону Воронеж Пермь Волгоград Тюмень Ижевск",
    "Ukrainian": "Київ Харків Одеса Дніпро Запоріжжя Львів Кривий Ріг Миколаїв Вінниця Чернівці Тернопіль Ужгород Рівне",
    "Lithuanian": "Kėdainiai Šiauliai Panevėžys Marijampolė Mažeikiai Telšiai Tauragė Utena Plungė Ukmergė Visaginas Radviliškis Palanga Kretinga Šilutė",
}
WRITTEN = [
    *(("Polish", name) for name in ("cp1250", "iso8859-2", "cp852")),
    *(("Czech", name) for name in ("cp1250", "cp852")),
    *(("Hungarian", name) for name in ("cp1250", "cp852")),
    *((language, name) for language in ("Portuguese", "Spanish", "French", "German") for name in ("cp1252", "cp850")),
    ("Portuguese", "mac-roman"),
    *(("Turkish", name) for name in ("cp1254", "cp857")),
    *(("Greek", name) for name in ("cp1253", "iso8859-7", "cp737")),
    *(("Russian", name) for name in ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic")),
    *(("Ukrainian", name) for name in ("cp1251", "koi8-u")),
    ("Lithuanian", "cp1257"),
]


def table(names: list[str]) -> str:
    rows = "".join(f"{number},{name},2024-01-31\n" for number, name in enumerate(names))
    return f"customer_id,area,started_on\n{rows}"


@pytest.mark.parametrize(("language", "encoding"), WRITTEN)
def test_towns_are_read_as_they_were_written(language: str, encoding: str) -> None:
    text = table(TOWNS[language].split())
    assert decoded(text.encode(encoding)).content.decode() == text


def test_two_words_are_read_right_or_said_not_to_be_sure() -> None:
    silently_wrong = []
    for language, encoding in WRITTEN:
        beyond = [name for name in TOWNS[language].split() if not name.isascii()]
        for at in range(0, len(beyond) - 1, 2):
            text = table(beyond[at : at + 2])
            found = decoded(text.encode(encoding))
            if found.content.decode() != text and found.warning is None:
                silently_wrong.append((language, encoding))
    pairs = sum(sum(not name.isascii() for name in TOWNS[language].split()) // 2 for language, _ in WRITTEN)
    assert len(silently_wrong) <= 0.05 * pairs, silently_wrong


@pytest.mark.shared
@pytest.mark.parametrize("name", ["blumenau", "madrid-districts"])
@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac-roman"])
def test_neighbourhoods_of_others(shared: Path, name: str, encoding: str) -> None:
    document = json.loads((shared / "data" / "geojson" / f"{name}.geojson").read_text("utf-8"))
    names = sorted({str(value) for one in document["features"] for value in one["properties"].values()})
    text = table([one.replace(",", " ") for one in names if one.isprintable()])
    assert decoded(text.encode(encoding)).content.decode() == text


ORDINARY = [
    (["Берёзовка", "Центральный"], "cp1251"),
    (["Берёзовка", "Центральный", "Ленинский", "Заречье"], "cp1251"),
    (["Юбилейный", "Щёлково"], "cp1251"),
    (["Ясенево"], "cp1251"),
    (["Москва", "Химмаш"], "cp1251"),
    (["Peñarol", "Centro"], "cp1252"),
    (["Peñalolén"], "cp1252"),
    (["Muñoz", "Cádiz"], "cp1252"),
    (["Água Verde", "Curitiba"], "cp1252"),
    (["Évora"], "cp1252"),
    (["Maipú"], "cp1252"),
    (["Košice", "Žilina"], "cp1250"),
]


@pytest.mark.parametrize(("names", "encoding"), ORDINARY)
def test_a_few_ordinary_names_bring_no_warning(names: list[str], encoding: str) -> None:
    """A capital within a word, a sign for a letter, a small letter for a capital: no reading beside one without."""
    text = table(names)
    found = decoded(text.encode(encoding))
    assert (found.content.decode(), found.warning) == (text, None)


def test_a_rare_encoding_that_is_as_likely_is_a_note() -> None:
    found = decoded(table(["Maipú"]).encode("cp1252"))
    assert found.warning is None
    assert "it was read as Windows-1252 (Maipú), and may be Windows-1257 (Maipś)" in str(found.note)


def test_what_is_not_sure_is_told_with_the_way_out(provider, import_text) -> None:  # noqa: F811
    data = table(["Gdańsk"]).encode("cp1250")
    report = import_text("customers", data)
    assert report.exit_code == 1
    assert "read as Windows-1252 (Gdañsk), and may be Windows-1250 (Gdańsk)" in str(report)
    assert "say --encoding cp1250, else --encoding cp1252" in str(report)
    columns = "".join(f'[columns.{name}]\nsource = "{name}"\n' for name in ("customer_id", "area", "started_on"))
    assert import_text("customers", data, f'kind = "customers"\nencoding = "cp1250"\n{columns}').exit_code == 0
    assert "Gdańsk" in read("customers", provider.data).column("area").to_pylist()
    refused = import_text("customers", data, f'kind = "customers"\nencoding = "utf-8"\n{columns}')
    assert "cannot be read in the encoding 'utf-8', as was said" in str(refused)


@pytest.mark.parametrize("price", ["€29.90", "£29.90"])
def test_signs_without_letters_are_of_windows(price: str) -> None:
    sheet = read_sheet(f"customer_id,monthly_price,plan\n1,{price},“Fibra” 100º\n".encode("cp1252"))
    assert sheet.columns["monthly_price"].to_pylist() == [price]
    assert sheet.warnings == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_wide_letters_with_and_without_a_mark(encoding: str) -> None:
    assert read_sheet(table(["São João"]).encode(encoding)).columns["area"].to_pylist() == ["São João"]


def test_one_damaged_letter_costs_its_row_and_not_the_file(provider, import_text) -> None:  # noqa: F811
    rows = table(["São João"] * 20).encode() + b"99,S\xe3o,2024-01-31\n"
    report = import_text("customers", rows)
    assert (report.added, report.rejected) == (20, 1)
    assert "has lost letters" in str(report)


@pytest.mark.parametrize("encoding", ["gb18030", "shift_jis", "euc-kr"])
def test_what_nobody_can_tell_is_refused_and_not_guessed(encoding: str) -> None:
    names = {
        "gb18030": ["朝阳区", "海淀区", "丰台区"],
        "shift_jis": ["渋谷区", "新宿区", "品川区"],
        "euc-kr": ["강남구", "서초구"],
    }
    with pytest.raises(UnreadableError, match="nobody can tell"):
        decoded(table(names[encoding] * 5).encode(encoding))
    assert decoded(table(names[encoding]).encode(encoding), encoding).content.decode() == table(names[encoding])


@pytest.mark.parametrize(
    ("names", "encoding"), [("תל אביב,ירושלים,חיפה", "cp1255"), ("القاهرة,الجيزة,بغداد", "cp1256")]
)
def test_towns_from_right_to_left(names: str, encoding: str) -> None:
    text = table(names.split(","))
    assert decoded(text.encode(encoding)).content.decode() == text


def test_a_stated_encoding_on_the_command_line(provider, tmp_path, capsys) -> None:  # noqa: F811
    import bairro

    (tmp_path / "dashboard.toml").write_text(
        f'provider = "X"\ndata = "{provider.data}"\ncustomer_key = "{tmp_path}/key"\n'
    )
    (tmp_path / "c.csv").write_bytes(table(["Plzeň"]).encode("cp1250"))
    command = ["import", "customers", str(tmp_path / "c.csv"), "--as-of", str(AS_OF), "--encoding", "cp1250"]
    assert bairro.main([*command, "--config", str(tmp_path / "dashboard.toml")]) == 0
    assert read("customers", provider.data).column("area").to_pylist() == ["Plzeň"]


def test_import_records_is_what_the_command_uses(provider, tmp_path) -> None:  # noqa: F811
    (tmp_path / "c.csv").write_bytes(table(TOWNS["Russian"].split()).encode("koi8-r"))
    report = import_records("customers", tmp_path / "c.csv", provider, as_of=AS_OF)
    assert (report.exit_code, report.described) == (0, "KOI8-R, comma")
