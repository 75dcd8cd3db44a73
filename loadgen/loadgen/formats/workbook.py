"""What an XLSX file holds beside its sheet (ECMA-376 part 2, and part 1, 18.2)."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SPREADSHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"

SHEET_NAME: Final = "clients"
SHEET_PART: Final = "xl/worksheets/sheet1.xml"
_STYLES_PART: Final = "xl/styles.xml"
_FIRST_OWN_FORMAT: Final = 164
"""Formats with lower numbers are built in."""


def fixed_parts(date_formats: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """Names and contents, in the order by which programs that look at a file's first bytes know what it is.

    Style n, counted from 1, shows a number by the nth of the formats; without formats a file has no styles.
    """
    if not date_formats:
        return _FIXED_PARTS
    types, *others, relations = _FIXED_PARTS
    override = f'<Override PartName="/{_STYLES_PART}" ContentType="{_SPREADSHEET}.styles+xml"/></Types>'
    relation = f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    return (
        (types[0], types[1].replace("</Types>", override)),
        *others,
        (relations[0], relations[1].replace("</Relationships>", relation)),
        (_STYLES_PART, _styles(date_formats)),
    )


def _styles(date_formats: Sequence[str]) -> str:
    numbers = range(_FIRST_OWN_FORMAT, _FIRST_OWN_FORMAT + len(date_formats))
    formats = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(text)}/>'
        for number, text in zip(numbers, date_formats, strict=True)
    )
    styles = "".join(f'<xf numFmtId="{number}" xfId="0" applyNumberFormat="1"/>' for number in (0, *numbers))
    return (
        f'{_XML}<styleSheet xmlns="{_MAIN}">'
        f'<numFmts count="{len(date_formats)}">{formats}</numFmts>'
        '<fonts count="1"><font/></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        f'<cellXfs count="{len(date_formats) + 1}">{styles}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


_FIXED_PARTS: Final = (
    (
        "[Content_Types].xml",
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_SPREADSHEET}.sheet.main+xml"/>'
        f'<Override PartName="/{SHEET_PART}" ContentType="{_SPREADSHEET}.worksheet+xml"/></Types>',
    ),
    (
        "_rels/.rels",
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    ),
    (
        "xl/workbook.xml",
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f'<sheets><sheet name="{SHEET_NAME}" sheetId="1" r:id="rId1"/></sheets></workbook>',
    ),
    (
        "xl/_rels/workbook.xml.rels",
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    ),
)
