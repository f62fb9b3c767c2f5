"""The dictionary of the field: data elements, code lists, record layouts, commands and status words, in Chinese and English."""

from profiles.dictionary.codes import CodeList, code_list, code_lists
from profiles.dictionary.elements import Element, Layout, element, elements, layout, layouts
from profiles.dictionary.items import Content, Field, Part
from profiles.dictionary.values import ValueFormatError

__all__ = [
    "CodeList",
    "Content",
    "Element",
    "Field",
    "Layout",
    "Part",
    "ValueFormatError",
    "code_list",
    "code_lists",
    "element",
    "elements",
    "layout",
    "layouts",
]
