"""Encodings of text files: detection, the place of a bad byte, and likely names."""

from __future__ import annotations

import codecs
import dataclasses
import re
import unicodedata
from collections.abc import Iterable

import numpy as np

from tfxkit.errors import UsageError

ASCII = "ascii"
_WESTERN = "cp1252"  # what Windows means by "ANSI"; holds all that Latin-1 prints
_BOMS = (  # the one of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BAD = re.compile("[\udc80-\udcff]+")  # bytes that are no UTF-8, as Python's decoder marks them
_FEW_BAD = 0.01  # of the lines
_MANY_BAD = 10_000  # sequences: no more are needed to decide
_MORE_GOOD = 3  # characters for each bad sequence
_SAMPLE_BYTES = 1 << 16  # of lines beyond ASCII
_LEAST_SCORE = 0.5
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x19\x1b-\x1f\x7f]")
# Letters beyond ASCII of the languages that are written in an encoding; lists of several western
# languages, since names of places and people come together, count a little less.
_WESTERN_MIX = "àâæçèéêëîïôœùûüÿäößáíñóúãõìòåø"
_FRENCH, _GERMAN, _CZECH = "àâæçèéêëîïôœùûüÿ", "äöüß", "áčďéěíňóřšťúůýž"
_SPANISH, _PORTUGUESE, _ITALIAN = "áéíñóúü", "àáâãçéêíóôõú", "àèéìíòóù"
_NORDIC, _ICELANDIC, _DUTCH = "åäöæøéü", "áéíóúýþæöð", "ëïéèöüó"
_POLISH, _SLOVAK, _HUNGARIAN = "ąćęłńóśźż", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű"
_ROMANIAN, _CROATIAN, _TURKISH = "ăâîşţ", "čćđšž", "çğıİöşüâî"
_LATVIAN, _LITHUANIAN, _ESTONIAN = "āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž"
_LATIN = {
    _WESTERN: (
        *(_FRENCH, _GERMAN, _SPANISH, _PORTUGUESE, _ITALIAN, _NORDIC, _ICELANDIC, _DUTCH),
        _WESTERN_MIX,
    ),
    "iso8859-15": (_FRENCH, _WESTERN_MIX),
    "cp1250": (_POLISH, _CZECH, _SLOVAK, _HUNGARIAN, _ROMANIAN, _CROATIAN),
    "iso8859-2": (_POLISH, _CZECH, _HUNGARIAN),
    "cp1254": (_TURKISH,),
    "cp1257": (_LATVIAN, _LITHUANIAN, _ESTONIAN),
    "mac-roman": (_FRENCH, _GERMAN, _SPANISH, _WESTERN_MIX),
    "cp850": (_FRENCH, _GERMAN, _SPANISH, _WESTERN_MIX),
}
# Letters of other scripts, the ten most frequent ones first.
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёіїєґ"
_OTHER_SCRIPTS = {
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "cp866": _CYRILLIC,
    "iso8859-5": _CYRILLIC,
    "cp1253": "αοιετσνηυρκπλμγδωχθφβξζψςάέήίόύώϊϋΐ",
    "cp1255": "יוהלארתבמשנדקחעםפצטגזכסןףץךת",
    "cp1256": "اليمونرتبةدسعكقفحجشصطخذغزضثظءأإآؤئىهـ",
    "tis-620": "านรอกเงมยลวดทสตะปบคหแจพชขใไโผซธณศภถฐษฎฮฉฟัิีืุู้่์็ำ",
}
# The most frequent characters of Chinese, a few of them names of places, and Japanese and Korean.
_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
    "日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政"
    "美相见被利什二等产新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解"
    "水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计"
    "管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完"
    "设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔京州红绿蓝"
    "黄黑城省县街元价店客户商号码年龄男女武汉深圳广杭成都津庆苏宁"
    "李张刘陈杨赵周吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯董曹袁邓许沈曾彭蒋蔡姓伟芳敏静丽强磊洋勇艳杰娟涛超秀"
)
_TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡"
    "用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實"
    "日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政"
    "美相見被利什二等產新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解"
    "水名真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計"
    "台灣北南高雄縣市區路街紅綠藍黃黑男客戶商號價店竹園桃基隆花蓮"
)
_JAPANESE = (
    "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回"
    "新場金員九入選立開手米力学問高代明実円関決子動京目全表戦経通外最言氏現理調体化田当八六約主題下首意法"
    "阪府県区都道町村名所赤青緑黄黒白男女店客商品価格番号電話住名古屋横浜神戸札幌福岡川山島沖縄崎"
)
_KOREAN = (
    "이다의는에을를가은고하한서도로지기사나리자대시어인수해일그정라아제부장전주과상있들보여구원게면만것성"
    "스조소경우비마세모동신유선미공안화국김박최강북남산울광천역군명청진빨파란노랑녹색검흰남여판매가격"
)
_EAST_ASIAN = {
    "gb18030": _SIMPLIFIED,
    "big5": _TRADITIONAL,
    "shift_jis": _JAPANESE,
    "cp932": _JAPANESE,
    "euc_jp": _JAPANESE,
    "euc_kr": _KOREAN,
}
# First bytes of the characters that each standard calls common.
_COMMON = {
    "gb18030": ("gb2312", b"\xb0", b"\xd7"),
    "big5": ("big5", b"\xa4", b"\xc6"),
    "shift_jis": ("euc_jp", b"\xb0", b"\xcf"),
    "cp932": ("euc_jp", b"\xb0", b"\xcf"),
    "euc_jp": ("euc_jp", b"\xb0", b"\xcf"),
    "euc_kr": ("euc_kr", b"\xff", b"\xff"),
}
_POINTS = {
    "HALFWIDTH KATAKANA": 0.75,
    "HANGUL SYLLABLE": 0.7,
    "FULLWIDTH": 0.8,
    "CIRCLED": 0.5,
    "PARENTHESIZED": 0.5,
}
_NAMES = {
    "gb18030": "GB18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "shift_jis": "Shift-JIS (Japanese)",
    "cp932": "Shift-JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "euc_kr": "EUC-KR (Korean)",
    "cp1250": "cp1250 (Windows, central European)",
    "cp1251": "cp1251 (Windows, Cyrillic)",
    "mac-roman": "Mac Roman",
    "cp850": "cp850 (DOS)",
}
_PUNCTUATION = frozenset(
    "€£¥§©®°±²³µ·¹º½¼¾×÷–—‘’‚“”„†•…‰‹›«»¿¡™ª\xa0№、。「」『』（）・ー！？：；，％"
)

_SIGNS_TOGETHER = re.compile(r"[^\w\s\x00-\x7f]{2,}")
_SIGN_IN_WORD = re.compile(r"(?<=[^\W\d_])[^\w\s\x00-\x7f’–—·\xad]+(?=[^\W\d_])")
_CAPITAL_IN_WORD = re.compile(r"[a-zß-öø-ÿ][À-ÖØ-Þ]|[A-Za-z][À-ÖØ-Þ][a-z]")
_CAPITAL_AFTER_SMALL = re.compile("[а-яёіїєґα-ωά-ώ][А-ЯЁІЇЄҐΑ-ΩΆ-Ώ]")
_WORD_BEYOND_ASCII = re.compile(r"[^\W\d_]*[^\W\d_a-zA-Z][^\W\d_]*")
_MIXED_WORD = re.compile(r"[a-zA-Z](?=[^\W\d_a-zA-Z])|[^\W\d_a-zA-Z](?=[a-zA-Z])")
# õ outside of "õe" and þ within a word: Hungarian, Estonian and Turkish letters in disguise.
_NOT_WESTERN = re.compile(r"õ(?!e)|\Bþ")
_FIRST = 0.02  # of equally likely encodings, the western one


@dataclasses.dataclass
class _DecodedText:
    """A file read as UTF-8: its lines, and its characters beyond ASCII."""

    place: str
    lines: int = 0
    good: int = 0  # characters beyond ASCII
    bad: int = 0  # sequences of bytes that are no UTF-8
    first_bad: str = ""  # where the first of them is

    @property
    def is_mostly_utf8(self) -> bool:
        """True if characters beyond ASCII are there, and few bytes are bad."""
        few = self.bad <= _FEW_BAD * self.lines or self.good >= _MORE_GOOD * self.bad
        return bool(self.good and self.bad and few)

    def count(self, text: str, offset: int) -> None:
        """Counts a part of the text that begins at an offset, decoded with surrogateescape."""
        if not text.isascii():
            try:
                # In UTF-8 a character has one byte that does not begin with the bits 10.
                beyond = np.frombuffer(text.encode(), np.uint8)
                self.good += int(np.count_nonzero(beyond >= 0xC0))  # noqa: PLR2004
            except UnicodeEncodeError:
                self._count_bad(text, offset)
        self.lines += text.count("\n")

    def _count_bad(self, text: str, offset: int) -> None:
        good = _BAD.sub("", text)
        self.good += len(good) - len(good.encode("ascii", "ignore"))
        for match in _BAD.finditer(text):
            self.bad += 1
            if not self.first_bad:
                before = text[: match.start()]
                line = self.lines + before.count("\n") + 1
                at = offset + len(before.encode())
                byte = ord(match[0][0]) - 0xDC00
                self.first_bad = f"line {line} (byte 0x{byte:02X}, offset {at})"


class _Sample:
    """Whole lines with bytes beyond ASCII, the first ones of a file."""

    def __init__(self) -> None:
        self._lines = bytearray()
        self._rest = b""  # begin of a line

    def add(self, chunk: bytes) -> None:
        """Adds the lines of the next chunk."""
        if len(self._lines) >= _SAMPLE_BYTES:
            return
        if chunk.isascii() and self._rest.isascii():
            start = chunk.rfind(b"\n") + 1
            self._rest = chunk[start:] if start else self._rest + chunk
            return
        lines = (self._rest + chunk).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        for line in lines:
            if not line.isascii() and len(self._lines) < _SAMPLE_BYTES:
                self._lines += line

    def __bytes__(self) -> bytes:
        """All lines so far; the last one may be incomplete."""
        return bytes(self._lines) + (b"" if self._rest.isascii() else self._rest)


def detect(chunks: Iterable[bytes], place: str) -> str:
    """Detects the encoding of a file.

    Only UTF-8, UTF-16, UTF-32 and cp1252, which includes Latin-1, are detected. Any other encoding
    is named in the error, since a wrong guess would pass for text.

    Args:
        chunks: Bytes of the file from its begin, decompressed; as many as may decide.
        place: Name of the file, for messages.

    Returns:
        Name of a Python codec. `ascii` fits every other one except UTF-16 and UTF-32, so one file
        of a data set may be ASCII and another cp1252.

    Raises:
        UsageError: If the file is UTF-8 with a few bad bytes, is probably in another encoding,
            which the message names, or is no text.
    """
    seen, sample, first = _DecodedText(place), _Sample(), b""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    offset = pending = 0  # bytes before the chunk, and those of a character that is not complete
    for chunk in chunks:
        if not first:
            first = chunk
            for bom, encoding in _BOMS:
                if chunk.startswith(bom):
                    return encoding
        if b"\0" in chunk:
            if wide := _without_bom(first):
                return wide
            raise UsageError(f"{place} is not text: it has zero bytes. Save it as CSV or Parquet.")
        sample.add(chunk)
        seen.count(decoder.decode(chunk), offset - pending)
        offset += len(chunk)
        pending = len(decoder.getstate()[0])
        if seen.bad > _MANY_BAD:
            break
    seen.count(decoder.decode(b"", final=True), offset - pending)
    if seen.bad:
        return _other_encoding(seen, bytes(sample))
    return "utf-8" if seen.good else ASCII


def likely_encoding(sample: bytes) -> str | None:
    """Most likely encoding of some bytes that are no UTF-8; None if they are no text.

    Several encodings decode any bytes. The likely one gives letters of one language, in words of
    one script and with capitals where words have them.

    Args:
        sample: Whole lines of the file, those with bytes beyond ASCII at least.
    """
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample:
        return _without_bom(sample)
    if _CONTROLS.search(sample):
        return None
    scores: dict[str, float] = {}
    for encoding in (*_LATIN, *_OTHER_SCRIPTS, *_EAST_ASIAN):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        scores[encoding] = _score(text, encoding)
    best = max(scores, key=lambda encoding: scores[encoding], default=None)
    return best if best and scores[best] >= _LEAST_SCORE else None


def advice(chunk: bytes, encoding: str) -> str:
    """Way out for a file with bytes that its encoding does not decode.

    Args:
        chunk: A part of the file with such bytes; empty if the file ends within a character.
        encoding: Name of the codec.
    """
    if not chunk:
        return "It ends within a character: is it whole?"
    seen, lines = _DecodedText(""), _Sample()
    seen.count(chunk.decode(errors="surrogateescape"), 0)
    lines.add(chunk)
    zeros = b"\0" in chunk or chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if encoding == "utf-8" and seen.is_mostly_utf8:
        return "Nearly all of the file is UTF-8: correct this byte."
    is_utf8 = not (seen.bad or zeros or _CONTROLS.search(chunk))
    sample = chunk[:_SAMPLE_BYTES] if zeros or not bytes(lines) else bytes(lines)
    likely = "utf-8" if is_utf8 else likely_encoding(sample)
    if likely is None or likely == encoding:
        return "Is it text at all? Then set data.csv.encoding, or save it as UTF-8."
    return f"It may be {likely}: set data.csv.encoding to that, or save it as UTF-8."


def _other_encoding(seen: _DecodedText, sample: bytes) -> str:
    """cp1252, or the error of a file that is no UTF-8."""
    place = seen.place
    if seen.is_mostly_utf8:
        raise UsageError(
            f"Invalid UTF-8 in {place}, {seen.first_bad}. Save the file as UTF-8, or set "
            "data.csv.encoding (init: --csv encoding=NAME)."
        )
    likely = likely_encoding(sample)
    if likely == _WESTERN:
        return _WESTERN
    if likely is None:
        raise UsageError(
            f"{place} is not UTF-8, and its encoding is not clear. Save it as UTF-8, or pass "
            "--csv encoding=NAME."
        )
    raise UsageError(
        f"{place} is not UTF-8. It looks like {_NAMES.get(likely, likely)}: pass --csv "
        f"encoding={likely}, or save it as UTF-8."
    )


def _without_bom(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 of mostly ASCII text, by the place of its zero bytes."""
    size = len(sample) // 4
    if not size:
        return None
    zeros = [sample[start : size * 4 : 4].count(0) / size for start in range(4)]
    many = [share > 0.5 for share in zeros]  # noqa: PLR2004
    return {
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
    }.get((many[0], many[1], many[2], many[3]))


def _score(text: str, encoding: str) -> float:
    """Plausibility of a decoded text, at most 1."""
    strange = [character for character in text if ord(character) > 0x7F]  # noqa: PLR2004
    if not strange:
        return 0.0
    if encoding in _EAST_ASIAN:
        return _east_asian(text, strange, encoding)
    letters = [c for c in strange if c.isalpha() and c not in _PUNCTUATION]  # µ, ª and º are signs
    odd = sum(not (character.isalpha() or character in _PUNCTUATION) for character in strange)
    odd += sum(len(match) for match in _SIGNS_TOGETHER.findall(text))
    odd += len(_SIGN_IN_WORD.findall(text))
    if encoding in _LATIN:
        odd += len(_CAPITAL_IN_WORD.findall(text))
        if encoding == _WESTERN:
            odd += len(_NOT_WESTERN.findall(text))
        # Words of western languages are mostly ASCII, those of other scripts in disguise are not.
        size = sum(len(word) for word in _WORD_BEYOND_ASCII.findall(text))
        dense = max(0.0, len(letters) / size - 0.5) if letters else 0.0
        known = _known(letters, encoding) if letters else 1.0  # € or “” alone
        return known + (_FIRST if encoding == _WESTERN else 0.0) - odd / len(strange) - dense
    if not letters:
        return 0.0
    odd += len(_MIXED_WORD.findall(text)) + len(_CAPITAL_AFTER_SMALL.findall(text))
    alphabet = _OTHER_SCRIPTS[encoding]
    known = _share(letters, alphabet) * (0.7 + 0.3 * _share(letters, alphabet[:10]))
    shouted = 0.05 if all(letter != letter.lower() for letter in letters) else 0.0
    return known - shouted - odd / len(strange)


def _known(letters: list[str], encoding: str) -> float:
    return max(
        _share(letters, alphabet) * (0.9 if alphabet is _WESTERN_MIX else 1.0)
        for alphabet in _LATIN[encoding]
    )


def _east_asian(text: str, strange: list[str], encoding: str) -> float:
    points = sum(_points(character, encoding) for character in strange)
    return (points - len(_MIXED_WORD.findall(text))) / len(strange)


def _points(character: str, encoding: str) -> float:
    """1 for a frequent character of the language, less for others."""
    frequent = _EAST_ASIAN[encoding]
    if character in frequent or character in _PUNCTUATION:
        return 1.0
    name = unicodedata.name(character, "")
    if name.startswith("CJK UNIFIED"):
        codec, least, most = _COMMON[encoding]
        code = character.encode(codec, "ignore")
        return 0.6 if least <= code[:1] <= most else 0.0
    for prefix, points in _POINTS.items():
        if name.startswith(prefix):
            return points
    if name.startswith(("HIRAGANA", "KATAKANA")):
        return 1.0 if frequent is _JAPANESE else -1.0
    return -0.5


def _share(letters: list[str], alphabet: str) -> float:
    known = sum(letter in alphabet or letter.lower() in alphabet for letter in letters)
    return known / len(letters)
