"""The dictionary of the field: data elements, code lists, record layouts, commands and status words, in Chinese and English."""

from profiles.dictionary.codes import CodeList, code_list, code_lists
from profiles.dictionary.commands import CommandEntry, DataField, DataForm, Reading, command, commands, find
from profiles.dictionary.elements import Element, Layout, element, elements, layout, layouts
from profiles.dictionary.groupings import Grouping, find_grouping, groupings
from profiles.dictionary.items import Content, Field, Part
from profiles.dictionary.payment import PaymentElement, payment_elements
from profiles.dictionary.status import StatusMeaning, describe, status_words
from profiles.dictionary.values import ValueFormatError

__all__ = [
    "CodeList",
    "CommandEntry",
    "Content",
    "DataField",
    "DataForm",
    "Element",
    "Field",
    "Grouping",
    "Layout",
    "Part",
    "PaymentElement",
    "Reading",
    "StatusMeaning",
    "ValueFormatError",
    "code_list",
    "code_lists",
    "command",
    "commands",
    "describe",
    "element",
    "elements",
    "find",
    "find_grouping",
    "groupings",
    "layout",
    "layouts",
    "payment_elements",
    "status_words",
]
