"""Names of months as providers' programs write them: by language the short and the long forms of each month."""

from __future__ import annotations

from collections.abc import Collection

ENGLISH = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LANGUAGES: dict[str, str] = {
    "English": "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september"
    "|oct october|nov november|dec december",
    "Spanish": "ene enero|feb febrero|mar marzo|abr abril|may mayo|jun junio|jul julio|ago agosto"
    "|sep sept set septiembre setiembre|oct octubre|nov noviembre|dic diciembre",
    "Portuguese": "jan janeiro|fev fevereiro|mar março marco|abr abril|mai maio|jun junho|jul julho|ago agosto"
    "|set setembro|out outubro|nov novembro|dez dezembro",
    "French": "jan janv janvier|fév fev févr fevr février fevrier|mar mars|avr avril|mai|jun juin|juil jul juillet"
    "|aoû aou août aout|sep sept septembre|oct octobre|nov novembre|déc dec décembre decembre",
    "Italian": "gen genn gennaio|feb febb febbraio|mar marzo|apr aprile|mag maggio|giu giugno|lug luglio|ago agosto"
    "|set sett settembre|ott ottobre|nov novembre|dic dicembre",
    "German": "jan januar jän jänner jaenner|feb februar feber|mär mrz maer märz maerz|apr april|mai|jun juni|jul juli"
    "|aug august|sep sept september|okt oktober|nov november|dez dezember",
    "Dutch": "jan januari|feb februari|mrt maart|apr april|mei|jun juni|jul juli|aug augustus|sep sept september"
    "|okt oktober|nov november|dec december",
    "Swedish": "jan januari|feb februari|mar mars|apr april|maj|jun juni|jul juli|aug augusti|sep sept september"
    "|okt oktober|nov november|dec december",
    "Danish and Norwegian": "jan januar|feb februar|mar mars marts|apr april|maj mai|jun juni|jul juli|aug august"
    "|sep sept september|okt oktober|nov november|dec des december desember",
    "Finnish": "tammi tammikuu tammikuuta|helmi helmikuu helmikuuta|maalis maaliskuu maaliskuuta|huhti huhtikuu huhtikuuta"
    "|touko toukokuu toukokuuta|kesä kesäkuu kesäkuuta|heinä heinäkuu heinäkuuta|elo elokuu elokuuta|syys syyskuu syyskuuta"
    "|loka lokakuu lokakuuta|marras marraskuu marraskuuta|joulu joulukuu joulukuuta",
    "Polish": "sty styczeń stycznia|lut luty lutego|mar marzec marca|kwi kwiecień kwietnia|maj maja|cze czerwiec czerwca"
    "|lip lipiec lipca|sie sierpień sierpnia|wrz wrzesień września|paź październik października|lis listopad listopada"
    "|gru grudzień grudnia",
    "Czech": "led leden ledna|úno únor února|bře březen března|dub duben dubna|kvě květen května|čvn červen června"
    "|čvc červenec července|srp srpen srpna|zář září|říj říjen října|lis listopad listopadu|pro prosinec prosince",
    "Slovak": "jan január januára|feb február februára|mar marec marca|apr apríl apríla|máj mája|jún júna|júl júla"
    "|aug august augusta|sep september septembra|okt október októbra|nov november novembra|dec december decembra",
    "Slovene": "jan januar januarja|feb februar februarja|mar marec marca|apr april aprila|maj maja|jun junij junija"
    "|jul julij julija|avg avgust avgusta|sep september septembra|okt oktober oktobra|nov november novembra"
    "|dec december decembra",
    "Croatian": "sij siječanj siječnja|velj veljača veljače|ožu ožujak ožujka|tra travanj travnja|svi svibanj svibnja"
    "|lip lipanj lipnja|srp srpanj srpnja|kol kolovoz kolovoza|ruj rujan rujna|lis listopad listopada"
    "|stu studeni studenoga|pro prosinac prosinca",
    "Hungarian": "jan január|febr február|márc március|ápr április|máj május|jún június|júl július|aug augusztus"
    "|szept szeptember|okt október|nov november|dec december",
    "Romanian": "ian ianuarie|feb februarie|mar martie|apr aprilie|mai|iun iunie|iul iulie|aug august|sep sept septembrie"
    "|oct octombrie|nov noi noiembrie|dec decembrie",
    "Turkish": "oca ocak|şub şubat|mar mart|nis nisan|may mayıs|haz haziran|tem temmuz|ağu ağustos|eyl eylül|eki ekim"
    "|kas kasım|ara aralık",
    "Russian": "янв январь января|фев февр февраль февраля|мар март марта|апр апрель апреля|май мая|июн июнь июня"
    "|июл июль июля|авг август августа|сен сент сентябрь сентября|окт октябрь октября|ноя нояб ноябрь ноября"
    "|дек декабрь декабря",
    "Ukrainian": "січ січень січня|лют лютий лютого|бер березень березня|кві квіт квітень квітня|тра трав травень травня"
    "|чер черв червень червня|лип липень липня|сер серп серпень серпня|вер вересень вересня|жов жовтень жовтня"
    "|лис листопад листопада|гру груд грудень грудня",
    "Indonesian": "jan januari|feb februari|mar maret|apr april|mei|jun juni|jul juli|agu agt agustus|sep september"
    "|okt oktober|nov november|des desember",
}
NAMES: dict[str, dict[str, int]] = {
    language: {name: month for month, names in enumerate(text.split("|"), 1) for name in names.split()}
    for language, text in _LANGUAGES.items()
}
"""By language the number of the month of each name, in small letters."""


def months_of(words: Collection[str]) -> dict[str, int]:
    """The months of ``words`` (small letters), in the languages that have all of them, else in all languages.

    A word of which these languages make different months (lis: November in Polish, October in Croatian) is left out.
    """
    known = {word for word in words if any(word in names for names in NAMES.values())}
    fitting = [names for names in NAMES.values() if known <= names.keys()] or list(NAMES.values())
    found = {word: {names[word] for names in fitting if word in names} for word in known}
    return {word: months.pop() for word, months in found.items() if len(months) == 1}
