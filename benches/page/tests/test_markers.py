import unittest

from ..markers import NoSection, names, replace

PAGE = "# Title\n\nprose\n\n<!-- begin floor -->\nold\n<!-- end floor -->\n\nmore prose\n"


class Markers(unittest.TestCase):
    def test_only_what_stands_between_them_is_replaced(self):
        self.assertEqual(replace(PAGE, "floor", "\nnew\n\n"), PAGE.replace("old", "new"))

    def test_replacing_twice_is_replacing_once(self):
        once = replace(PAGE, "floor", "a\n\nb")
        self.assertEqual(replace(once, "floor", "a\n\nb"), once)

    def test_a_section_that_is_missing_or_there_twice_is_told(self):
        for page in ("", PAGE * 2, PAGE.replace("<!-- end floor -->", ""), "<!-- end floor -->\n<!-- begin floor -->"):
            with self.assertRaises(NoSection):
                replace(page, "floor", "new")

    def test_sections_are_found_in_their_order(self):
        self.assertEqual(names(PAGE + PAGE.replace("floor", "side-by-side")), ["floor", "side-by-side"])
