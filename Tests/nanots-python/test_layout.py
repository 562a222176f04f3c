"""Record layouts: as JSON, as NumPy dtypes, and what is no layout."""

import json
import os
import pickle
import random
import sys
import unittest

import nanots

try:
    import numpy
except ImportError:
    raise unittest.SkipTest("NumPy is not there") from None

FIELD = {"name": "a", "type": "u64", "offset": 0}
EVERY_TYPE = [("i8", "<i1"), ("i16", "<i2"), ("i32", "<i4"), ("i64", "<i8"), ("u8", "<u1"), ("u16", "<u2"), ("u32", "<u4"),
              ("u64", "<u8"), ("f32", "<f4"), ("f64", "<f8"), ("bool", "?"), ("text", "S7")]


def read(*items, **others):
    return nanots.RecordLayout.from_metadata(json.dumps({"byteOrder": "little", "layout": list(items), **others}))


class LayoutTest(unittest.TestCase):
    def test_the_text_is_the_one_that_is_documented(self):
        layout = nanots.RecordLayout([("ax", "f32", 0, "g"), ("name", "text", 4, "", 32)])
        self.assertEqual(
            layout.metadata,
            '{"byteCount":36,"byteOrder":"little","layout":[{"name":"ax","offset":0,"type":"f32","unit":"g"},'
            '{"byteCount":32,"name":"name","offset":4,"type":"text"}]}',
        )
        self.assertEqual(nanots.RecordLayout.from_metadata(layout.metadata), layout)
        self.assertEqual(str(layout), "36 bytes: ax: f32 [g] at 0, name: text(32) at 4")

    def test_every_type_comes_back_from_metadata_and_from_dtype(self):
        dtype = numpy.dtype([(f"{name}_é", numpy_type) for name, numpy_type in EVERY_TYPE])
        layout = nanots.RecordLayout.from_dtype(dtype, {"f32_é": "m/s²"})
        self.assertEqual([(field.type, field.offset) for field in layout.fields],
                         [(name, dtype.fields[f"{name}_é"][1]) for name, _ in EVERY_TYPE])
        self.assertEqual(nanots.RecordLayout.from_metadata(layout.metadata), layout)
        self.assertEqual(layout.fields[8].unit, "m/s²")
        self.assertEqual(layout.dtype(), dtype)

    def test_offsets_padding_and_a_dtype_without_fields(self):
        dtype = numpy.dtype([("flag", "?"), ("time", "<i8")], align=True)
        layout = nanots.RecordLayout.from_dtype(dtype)
        self.assertEqual((layout.byte_count, [field.offset for field in layout.fields]), (16, [0, 8]))
        self.assertEqual((layout.dtype().fields["time"][1], layout.dtype().itemsize), (8, 16))
        single = nanots.RecordLayout.from_dtype("<f4")
        self.assertEqual(single.fields, (nanots.RecordField("value", "f32", 0),))

    def test_groups(self):
        fields = [{"name": "user", "type": "u32", "offset": 0, "unit": "ticks"}, {"name": "idle", "type": "u32", "offset": -4}]
        group = {"name": "cpu", "count": 2, "stride": 16, "offset": 8, "fields": fields}
        plain = read(FIELD, group)
        self.assertEqual([field.described for field in plain.fields], [
            "a: u64 at 0", "cpu0.user: u32 [ticks] at 8", "cpu0.idle: u32 at 4", "cpu1.user: u32 [ticks] at 24",
            "cpu1.idle: u32 at 20",
        ])
        self.assertEqual(plain.byte_count, 28)
        labelled = read({**group, "labels": ["lo", "eth0"]}, byteCount=64, source="a host", rateHz=0.5, ticksPerSecond=100)
        self.assertEqual(labelled.names, ["lo.user", "lo.idle", "eth0.user", "eth0.idle"])
        self.assertEqual(labelled.byte_count, 64)

    def test_what_other_programs_may_write_as_well(self):
        self.assertEqual(read({**FIELD, "unit": None, "byteCount": None, "more": 1}).fields[0].unit, "")
        self.assertEqual(read({**FIELD, "byteCount": 8.0, "offset": 1e1}, byteCount=None).byte_count, 18)
        self.assertEqual(len(read(*({**FIELD, "name": str(n)} for n in range(65_536))).fields), 65_536)

    def test_what_is_no_layout_is_none_and_no_error(self):
        big = 1 << 63
        group = {"name": "g", "count": 1, "stride": 8, "offset": 0, "fields": [FIELD]}
        for items in (
            [], [5], [[FIELD]], [None], [{**FIELD, "offset": -1}], [{**FIELD, "offset": big - 1}], [{**FIELD, "offset": big}],
            [{**FIELD, "offset": 10**400}], [{**FIELD, "offset": 0.5}], [{**FIELD, "offset": True}], [{**FIELD, "offset": "0"}],
            [{**FIELD, "type": "u128"}], [{**FIELD, "type": "text"}], [{**FIELD, "type": "text", "byteCount": 0}],
            [{**FIELD, "type": "text", "byteCount": (1 << 30) + 1}], [{**FIELD, "byteCount": 4}], [{**FIELD, "name": 5}],
            [{**FIELD, "unit": 5}], [{**FIELD, "name": "\ud800"}], [{"name": "a", "type": "u8"}], [FIELD, FIELD],
            [{**FIELD, "name": "é"}, {**FIELD, "name": "e\u0301"}],
            [{**FIELD, "name": str(n)} for n in range(65_537)],
            [{**group, "count": -1}], [{**group, "count": big - 1}], [{**group, "count": 65_537, "stride": 0}],
            [{**group, "count": 3, "stride": big - 1}], [{**group, "offset": big - 1}], [{**group, "labels": ["one", "two"]}],
            [{**group, "labels": [1]}], [FIELD, {**group, "count": 65_537, "fields": []}],
            [{**group, "fields": []}], [{**group, "fields": {}}], [{**group, "count": 10**400}],
            [{**group, "count": 65_535}, {**group, "name": "h", "count": 2}],
            # A name that each of 65,536 fields has.
            [{**group, "count": 65_536, "name": "n" * 100_000}], [{**group, "count": 2, "labels": ["x", "x"]}],
        ):
            with self.subTest(str(items)[:120]):
                self.assertIsNone(read(*items))
        for others in ({"byteOrder": "big"}, {"byteOrder": None}, {"byteCount": 7}, {"byteCount": -1}, {"byteCount": "8"},
                       {"source": 5}, {"rateHz": "1"}, {"rateHz": float("nan")}, {"rateHz": True}, {"ticksPerSecond": 0.5},
                       {"layout": {}}, {"layout": None}):
            with self.subTest(others):
                self.assertIsNone(read(*([] if "layout" in others else [FIELD]), **others))
        good = json.dumps({"byteOrder": "little", "layout": [FIELD]})
        self.assertIsNotNone(nanots.RecordLayout.from_metadata(good))
        for text in ("", "celsius", "{", "{}", "[]", "null", "5", " " + good, good + "x", good[:-1], '{"a":' * 100_000,
                     '{"content":"json"}', '{"content":"image/jpeg"}', '{"layout":5}', "{" + "9" * 10_000 + "}",
                     good.replace("{", '{"rateHz":1e999,', 1), good.replace("little", "big"),
                     good.replace('"byteOrder": "little", ', "")):
            with self.subTest(text[:80]):
                self.assertIsNone(nanots.RecordLayout.from_metadata(text))

    def test_odd_texts_are_judged_as_in_swift(self):
        # What RecordLayouts.md says. Tests/NanoTSRecordsTests/LayoutTests.swift has the same cases.
        field = '{"name":"a","type":"u8","offset":0}'
        rest = f'"byteOrder":"little","layout":[{field}]'

        def fields(text):
            return f'{{"byteOrder":"little","layout":[{text}]}}'

        def numbered(offset):
            return fields(f'{{"name":"a","type":"u8","offset":{offset}}}')

        def labelled(label):
            return fields(f'{{"name":"g","count":1,"stride":1,"offset":0,"labels":["{label}"],"fields":[{field}]}}')

        def lists(depth):
            return "[" * depth + "]" * depth

        def objects(depth):
            return '{"x":' * depth + "1" + "}" * depth

        nines = "9" * 5_000
        for text, is_layout in (
            (f"{{{rest}}}", True),
            # A key that is there twice.
            (f'{{"byteOrder":"little","byteOrder":"big","layout":[{field}]}}', True),
            (f'{{"byteOrder":"big","byteOrder":"little","layout":[{field}]}}', False),
            (f'{{"byteOrder":"little","byteOrde\\u0072":"big","layout":[{field}]}}', True),
            (f'{{"byteOrde\\u0072":"big","byteOrder":"little","layout":[{field}]}}', False),
            (f'{{"layout":[{field}],"layout":[],{rest}}}', True), (f'{{"layout":[],{rest}}}', False),
            (f'{{"byteCount":null,"byteCount":0,{rest}}}', True), (f'{{"byteCount":0,"byteCount":null,{rest}}}', False),
            (fields('{"name":"a","type":"u8","offset":0,"offset":-1}'), True),
            (fields('{"name":"a","type":"u8","offset":-1,"offset":0}'), False),
            (f'{{"more":1,"more":2,{rest}}}', True),
            # Depth.
            (f'{{"more":{lists(511)},{rest}}}', True), (f'{{"more":{lists(512)},{rest}}}', False),
            (f'{{"more":{objects(511)},{rest}}}', True), (f'{{"more":{objects(512)},{rest}}}', False),
            (f'{{"more":1,"more":{lists(100_000)},{rest}}}', False),
            (f'{{"more":"\\"{lists(600)[:600]}\\\\","other":{lists(511)},{rest}}}', True),
            (f'{{"more":"\\"{lists(600)[-600:]}\\\\","other":{lists(512)},{rest}}}', False),
            # Digits.
            (f'{{"more":{nines},{rest}}}', True), (f'{{"more":-{nines},{rest}}}', True),
            (f'{{"rateHz":{nines},{rest}}}', False), (f'{{"byteCount":{nines},{rest}}}', False),
            (f'{{"ticksPerSecond":-{nines},{rest}}}', False), (f'{{"rateHz":1{"0" * 300},{rest}}}', True),
            (f'{{"rateHz":1{"0" * 400},{rest}}}', False), (f'{{"rateHz":1e999,{rest}}}', False),
            (numbered(nines), False), (numbered("1" + "0" * 30), False), (numbered("9223372036854775808"), False),
            (numbered("1." + "0" * 5_000), True), (numbered("1e1"), True), (numbered("1e19"), False), (numbered("0.5"), False),
            (numbered("-0"), True), (numbered("01"), False), (numbered("NaN"), False),
            # Surrogates.
            (f'{{"source":"\\ud83d\\ude00",{rest}}}', True), (f'{{"source":"\\ud83d",{rest}}}', False),
            (f'{{"\\ud83d\\ude00":1,{rest}}}', True), (f'{{"\\ud83d":1,{rest}}}', False),
            (f'{{"more":"\\ud83d",{rest}}}', True),
            (fields('{"name":"a","type":"u8","offset":0,"\\ude00":1}'), False), (labelled("\\ud83d\\ude00"), True),
            (labelled("\\ud83d"), False), (labelled("\\ude00\\ud83d"), False),
            # What is around it.
            (f"{{{rest}}} \n\t\r", True), (f" {{{rest}}}", False), (f"{{{rest}}} x", False), (f"{{{rest}}}{{}}", False),
            (f"\ufeff{{{rest}}}", False),
        ):
            with self.subTest(text[:200]):
                self.assertEqual(nanots.RecordLayout.from_metadata(text) is not None, is_layout)

    def test_a_layout_is_found_from_within_many_calls(self):
        def nested(depth, text):
            return nanots.RecordLayout.from_metadata(text) if depth == 0 else nested(depth - 1, text)

        deep = '{"byteOrder":"little","layout":[' + json.dumps(FIELD) + '],"more":' + "[" * 511 + "]" * 511 + "}"
        self.assertIsNotNone(nested(0, deep))
        # As the caller's calls leave room or do not: no error either way.
        for depth in range(0, sys.getrecursionlimit() - 200, 50):
            nested(depth, deep)

    def test_whatever_the_text_is_nothing_is_raised(self):
        seed = int(os.environ.get("NANOTS_TEST_SEED") or random.randrange(1 << 64))
        generator = random.Random(seed)
        group = {"name": "g", "count": 2, "stride": 8, "offset": 8, "labels": ["x", "y"], "fields": [FIELD]}
        whole = {"byteOrder": "little", "byteCount": 64, "source": "a", "rateHz": 1.5, "ticksPerSecond": 100,
                 "layout": [FIELD, {**FIELD, "name": "t", "type": "text", "byteCount": 4, "unit": "é"}, group]}
        odd = [None, True, False, 0, -1, 1, 8, 0.5, 1e300, 1 << 62, 1 << 63, -(1 << 63), (1 << 64) - 1, 10**400, -(10**400),
               10**4_000, "", "a", "u8", "text", "\ud800", "\udc00\ud800", "\0", "e\u0301", "é", [], {}, [[]], [FIELD],
               {"fields": []}, FIELD, group, float("nan"), float("inf")]
        pieces = ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "\\ud800", "\0", "9" * 5_000, "1e999", "1e-999", "-", "null",
                  "NaN", "[" * 600, "]" * 600, '{"a":' * 2_000, '"layout":', '"offset":', "\ud800", "\U0001f600", "01", "\n"]

        def change(value):
            """The same, with some value, key or item in it made another."""
            if generator.random() < 0.15 or not isinstance(value, (dict, list)) or not value:
                return generator.choice(odd)
            if isinstance(value, list):
                place = generator.randrange(len(value))
                return value[:place] + [change(value[place])] * generator.choice((1, 1, 1, 0, 2)) + value[place + 1 :]
            key = generator.choice(list(value))
            if generator.random() < 0.2:
                return {name: content for name, content in value.items() if name != key}
            return {**value, generator.choice((key, key, key, "more", "\ud800", "fields")): change(value[key])}

        found = 0
        for _ in range(6_000):
            document = whole
            for _ in range(generator.choice((0, 1, 1, 2, 3))):
                document = change(document)
            text = json.dumps(document, ensure_ascii=generator.random() < 0.5)
            for _ in range(generator.choice((0, 0, 0, 1, 3))):
                place = generator.randrange(len(text) + 1)
                text = text[:place] + generator.choice(pieces) + text[place + generator.choice((0, 0, 1, 5)) :]
            try:
                layout = nanots.RecordLayout.from_metadata(text)
            except Exception as error:
                self.fail(f"seed {seed}: {error!r} of {text[:2_000]!r}")
            if layout is not None:
                found += 1
                self.assertIsInstance(layout, nanots.RecordLayout)
                self.assertEqual(nanots.RecordLayout.from_metadata(layout.metadata), layout, f"seed {seed}")
        self.assertGreater(found, 100, f"seed {seed}")

    def test_what_cannot_be_made_names_the_field(self):
        for fields, size, words in (
            ([], None, "0 fields; the least is 1"),
            ([("a", "u8", 0), ("a", "u8", 1)], None, "two fields of a record are called 'a'"),
            ([("a", "u64", 1)], 8, "'a' of 8 bytes at 1 lies outside the record of 8 bytes"),
            ([("a", "u64", -1)], None, "'a' of 8 bytes at -1 lies outside"),
            ([("a", "u128", 0)], None, "'a' has the type 'u128'; types are i8,"),
            ([("a", "text", 0)], None, "'a' has 1 to 1073741824 bytes"),
            ([("a", "u8", 0, "", 2)], None, "'a' of type u8 has 1 bytes, and 2 are given"),
        ):
            with self.subTest(words), self.assertRaisesRegex(nanots.InvalidArgumentError, words):
                nanots.RecordLayout(fields, size)
        with self.assertRaisesRegex(TypeError, "a str each, and 5"):
            nanots.RecordLayout([(5, "u8", 0)])
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "2147483648 bytes is more than .* 2147483647"):
            nanots.RecordLayout([("a", "u8", 0)], 1 << 31).dtype()
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "no name"):
            nanots.RecordLayout([("", "u8", 0)]).dtype()

    def test_a_dtype_that_no_layout_tells_names_the_field_and_its_type(self):
        for kind, words in (("O", "object"), ("<c8", "complex64"), ("<M8[ns]", "datetime64"), (">f4", ">f4"),
                            ("<f2", "float16"), ("<U4", "<U4"), ("V4", "V4"), (("<f4", (3,)), r"\('<f4', \(3,\)\)"),
                            ([("x", "<f4")], "x"), (("S3", (2,)), r"\('S3', \(2,\)\)")):
            with self.subTest(kind):
                with self.assertRaisesRegex(nanots.InvalidArgumentError, f"'bad' has the type .*{words}.* no record layout"):
                    nanots.RecordLayout.from_dtype(numpy.dtype([("good", "<f4"), ("bad", kind)]))
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "for 'y', and the fields are x"):
            nanots.RecordLayout.from_dtype(numpy.dtype([("x", "<f4")]), {"y": "g"})

    def test_a_layout_is_a_value(self):
        layout = nanots.RecordLayout([("a", "u8", 0, "g")])
        self.assertEqual(pickle.loads(pickle.dumps(layout)), layout)
        self.assertEqual(len({layout, nanots.RecordLayout([("a", "u8", 0, "g")])}), 1)
        self.assertNotEqual(layout, nanots.RecordLayout([("a", "u8", 0)]))
        self.assertNotEqual(layout, layout.metadata)
        with self.assertRaises(AttributeError):
            layout.byte_count = 5
