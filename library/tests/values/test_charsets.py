"""Encodings are detected, or named and refused; text in another encoding is never misread."""

import pytest

from tfxkit.errors import UsageError
from tfxkit.values.charsets import detect, likely_encoding

# Texts as columns of a table have them, and the encoding that they were written in.
TEXTS = [
    ("Genève;Neuchâtel;Besançon;Orléans;Nîmes", "cp1252"),
    ("élève;très bien;où êtes-vous", "cp1252"),
    ("ÉLÈVE;CRÊPE", "cp1252"),
    ("Zürich;Köln;Düsseldorf;Weißenburg", "cp1252"),
    ("España;Málaga;niño;corazón", "cp1252"),
    ("São Paulo;coração;avô;informações", "cp1252"),
    ("città;perché;più;università;così", "cp1252"),
    ("Malmö;Göteborg;Ängelholm;Åre", "cp1252"),
    ("Århus;København;smørrebrød", "cp1252"),
    ("reünie;coördinatie;zoëven", "cp1252"),
    ("Reykjavík;Þingvellir;Ísafjörður;Seyðisfjörður", "cp1252"),
    ("Genève;Zürich;São Paulo;Málaga;Malmö", "cp1252"),
    ("12 €;15 €", "cp1252"),
    ("red – blue;“quoted”;it’s", "cp1252"),
    ("café", "cp1252"),
    ("id,name\n1,Café\n2,Tea\n", "latin-1"),
    ("20 °C;5 m²;½;µm", "latin-1"),
    ("cœur à 12 €;été", "iso8859-15"),
    ("Łódź;Gdańsk;Kraków;Wrocław;Częstochowa", "cp1250"),
    ("Plzeň;České Budějovice;Ústí nad Labem;Třebíč", "cp1250"),
    ("Győr;Székesfehérvár;Debrecen fő út;Hódmezővásárhely", "cp1250"),
    ("Łódź;Gdańsk;Kraków;Wrocław;Śląsk;Częstochowa", "iso8859-2"),
    ("İstanbul;Beşiktaş;Iğdır;Muğla;Şişli", "cp1254"),
    ("Rīga;Jūrmala;Liepāja;Ķekava", "cp1257"),
    ("Москва;Санкт-Петербург;Казань;Новосибирск", "cp1251"),
    ("красный;синий;зелёный", "cp1251"),
    ("ДА;НЕТ;ДА;НЕТ", "cp1251"),
    ("Київ;Львів;Харків;Одеса", "cp1251"),
    ("Москва;Санкт-Петербург;Казань", "koi8-r"),
    ("красный,синий,зелёный,да,нет", "koi8-r"),
    ("Москва;красный;синий", "cp866"),
    ("Αθήνα;Θεσσαλονίκη;κόκκινο", "cp1253"),
    ("תל אביב;ירושלים", "cp1255"),
    ("القاهرة;الرياض;مدينة", "cp1256"),
    ("กรุงเทพ;เชียงใหม่", "tis-620"),
    ("北京市;上海;广州;深圳", "gb18030"),
    ("姓名,城市\n张伟,北京\n王芳,上海\n", "gb18030"),
    ("红色;绿色;蓝色", "gb18030"),
    ("台北市;高雄;新竹", "big5"),
    ("紅色;綠色;藍色;男;女", "big5"),
    ("東京;大阪;名古屋", "shift_jis"),
    ("色,赤い,あおい,みどり", "shift_jis"),
    ("ﾄｳｷｮｳ;ｵｵｻｶ;ﾅｺﾞﾔ", "shift_jis"),
    ("①東京;㈱", "cp932"),
    ("カタカナ;東京都", "euc_jp"),
    ("東京;大阪;京都", "euc_jp"),
    ("서울;부산;대구;인천", "euc_kr"),
    ("빨강;파랑;이름;나이", "euc_kr"),
    ("Genève;Besançon;élève", "mac-roman"),
    ("Zürich;Köln;Größe", "mac-roman"),
    ("Zürich;Köln;Größe", "cp850"),
    ("Genève;Besançon;élève", "cp850"),
]


@pytest.mark.parametrize(("text", "encoding"), TEXTS)
def test_the_likely_encoding_gives_the_text(text, encoding):
    data = text.encode(encoding)
    assert data.decode(likely_encoding(data)) == text


@pytest.mark.parametrize(("text", "encoding"), TEXTS)
def test_a_file_is_read_right_or_refused(text, encoding):
    data = b"id;town\n1;x\n" + text.replace(";", "\n").encode(encoding) + b"\n2;y\n"
    if encoding in ("cp1252", "latin-1"):
        assert detect([data], "towns.csv") == "cp1252"
    else:
        with pytest.raises(UsageError, match=r"towns.csv is not UTF-8\. It looks like .*encoding="):
            detect([data], "towns.csv")


def test_the_name_of_the_encoding_is_in_the_message():
    with pytest.raises(UsageError, match=r"Shift-JIS \(Japanese\): pass --csv encoding=shift_jis"):
        detect(["東京;大阪;名古屋\n".encode("shift_jis")], "towns.csv")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"", "ascii"),
        (b"a,b\n1,2\n", "ascii"),
        ("a,é\n".encode(), "utf-8"),
        ("a,\ufffd\n".encode(), "utf-8"),
        ("a,GenÃ¨ve\n".encode(), "utf-8"),
        ("\ufeffa,b\n".encode(), "utf-8"),
        ("a\tb\n".encode("utf-16"), "utf-16"),
        ("a\té\n".encode("utf-32"), "utf-32"),
        ("a\tb\n1\té\n".encode("utf-16-le"), "utf-16-le"),
        ("a\tb\n1\té\n".encode("utf-16-be"), "utf-16-be"),
        ("a\tb\n1\té\n".encode("utf-32-le"), "utf-32-le"),
    ],
)
def test_what_needs_no_guess(data, encoding):
    assert detect([data], "data.csv") == encoding
    assert data.decode(encoding) is not None


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_a_bad_byte_has_a_place_however_the_file_is_cut(size):
    lines = [f"{number},Genève\n".encode() for number in range(200)]
    lines[130] = b"130,Z\xfcrich\n"
    data = b"".join(lines)
    offset = data.index(b"\xfc")
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    with pytest.raises(UsageError) as error:
        detect(chunks, "towns.csv")
    assert str(error.value) == (
        f"Invalid UTF-8 in towns.csv, line 131 (byte 0xFC, offset {offset}). Save the file as "
        "UTF-8, or set data.csv.encoding (init: --csv encoding=NAME)."
    )


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_the_encoding_is_the_same_however_the_file_is_cut(encoding, size):
    data = "".join(f"{number},Genève,Zürich\n" for number in range(100)).encode(encoding)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert detect(chunks, "towns.csv") == encoding


def test_a_file_that_ends_within_a_character():
    data = "1,Genève\n2,Zürich\n".encode() * 50 + "3,é".encode()[:-1]
    with pytest.raises(UsageError, match=r"line 101 \(byte 0xC3, offset 1002\)"):
        detect([data], "towns.csv")


def test_a_last_line_without_a_line_break_counts():
    assert detect([b"id,name\n1,x\n2,caf\xe9"], "names.csv") == "cp1252"


@pytest.mark.parametrize(
    "data", [b"PAR1\0\0\0\x15\x04\xff", bytes(range(256)), b"\x80\x81\0\x82" * 9]
)
def test_what_is_no_text(data):
    with pytest.raises(UsageError, match=r"data.bin is not (text|UTF-8)"):
        detect([data], "data.bin")


def test_bytes_in_no_known_encoding():
    data = bytes(range(0x80, 0x100)) * 4
    with pytest.raises(UsageError, match="its encoding is not clear"):
        detect([data], "data.csv")


@pytest.mark.parametrize(
    ("sample", "encoding"),
    [
        ("a\té".encode("utf-16"), "utf-16"),
        ("a\tb\n1\té\n".encode("utf-16-le"), "utf-16-le"),
        (b"\x01\x02\xff\xfe\x00", None),
        (b"\x01\xe9", None),
    ],
)
def test_likely_encodings_of_other_bytes(sample, encoding):
    assert likely_encoding(sample) == encoding
