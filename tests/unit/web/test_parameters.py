"""Which names of parameters are slips, and which are other people's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.parameters import is_misspelt

#: Every parameter of the calls for pictures.
KNOWN = (
    *("seed", "truncation", "size", "resample", "weights", "count", "columns"),
    *("from", "to", "steps", "path", "format", "fps", "s"),
)
#: What pages, frameworks, advertisers and caches add to the URLs of pictures.
OTHERS = (
    *(
        "t",
        "T",
        "s",
        "S",
        "r",
        "R",
        "v",
        "V",
        "_",
        "__",
        "w",
        "W",
        "h",
        "H",
        "x",
        "y",
        "z",
        "n",
        "i",
        "k",
        "q",
        "c",
        "d",
        "f",
    ),
    *("ts", "cb", "id", "no", "rd", "dt", "ms", "rt", "ck", "vs", "fp", "ps", "si", "se", "tt", "ti", "fr"),
    *("rand", "random", "rnd", "rng", "time", "timestamp", "stamp", "tstamp", "now", "date", "day", "hour", "epoch"),
    *("cache", "nocache", "no-cache", "no_cache", "cachebust", "cachebuster", "cache_buster", "cachebreak", "bust"),
    *(
        "buster",
        "_dc",
        "_cb",
        "_t",
        "_ts",
        "refresh",
        "reload",
        "fresh",
        "force",
        "nonce",
        "uuid",
        "guid",
        "salt",
        "hash",
    ),
    *(
        "version",
        "ver",
        "rev",
        "revision",
        "build",
        "etag",
        "md5",
        "sha",
        "checksum",
        "digest",
        "unique",
        "uniq",
        "uid",
    ),
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "fbclid", "gclid", "gbraid"),
    *(
        "wbraid",
        "dclid",
        "msclkid",
        "yclid",
        "twclid",
        "ttclid",
        "li_fat_id",
        "mc_cid",
        "mc_eid",
        "igshid",
        "_ga",
        "_gl",
    ),
    *("_hsenc", "_hsmi", "ref", "referrer", "referer", "source", "src", "site", "page", "from_page", "via", "share"),
    *(
        "width",
        "height",
        "dpr",
        "quality",
        "fit",
        "crop",
        "auto",
        "fm",
        "lang",
        "locale",
        "theme",
        "mode",
        "style",
        "debug",
    ),
    *("test", "preview", "index", "num", "number", "nr", "idx", "item", "key", "token", "sig", "signature", "expires"),
    *("callback", "jsonp", "session", "sid", "user", "name", "email", "alt", "title", "class", "foo", "bar", "dummy"),
    *(
        "feed",
        "need",
        "side",
        "seek",
        "sell",
        "site_id",
        "math",
        "bath",
        "hash",
        "court",
        "mount",
        "stops",
        "sample",
        "rating",
    ),
    *(
        "default",
        "forcedefault",
        "1732567890123",
        "0.4312",
        "",
        " ",
        "é",
        "1",
        "face",
        "person",
        "img",
        "image",
        "photo",
    ),
)


@pytest.mark.parametrize("name", OTHERS)
def test_what_others_add_is_no_slip(name: str) -> None:
    assert [known for known in KNOWN if known != name and is_misspelt(name, known)] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(
            ("trunction", "truncation"),
            ("trunkation", "truncation"),
            ("truncaton", "truncation"),
            ("Truncation", "truncation"),
        ),
        *(("TRUNCATION", "truncation"), ("trucnation", "truncation"), ("truncations", "truncation")),
        *(("Seed", "seed"), ("SEED", "seed"), ("sed", "seed"), ("seeed", "seed"), ("seeds", "seed"), ("sede", "seed")),
        *(("colums", "columns"), ("column", "columns"), ("collumns", "columns"), ("colunms", "columns")),
        *(("Size", "size"), ("siez", "size"), ("sizes", "size"), ("sze", "size"), ("szie", "size")),
        *(("resmaple", "resample"), ("re-sample", "resample"), ("resampel", "resample"), ("resampling", None)),
        *(
            ("weight", "weights"),
            ("wieghts", "weights"),
            ("Weights", "weights"),
            ("conut", "count"),
            ("counts", "count"),
        ),
        *(("step", "steps"), ("setps", "steps"), ("fromat", "format"), ("frm", "from"), ("FPS", "fps"), ("To", "to")),
    ],
)
def test_a_slip_is_told_from_what_was_meant(name: str, meant: str | None) -> None:
    assert [known for known in KNOWN if is_misspelt(name, known)] == ([] if meant is None else [meant])


@given(st.sampled_from([known for known in KNOWN if len(known) >= 4]), st.data())
def test_any_letter_left_out_put_in_or_swapped_is_a_slip(known: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(known) - 2))
    letter = data.draw(st.characters(codec="ascii", categories=["Ll", "Lu", "Nd"]))
    for slip in (
        known[:at] + known[at + 1 :],
        known[:at] + letter + known[at:],
        known[:at] + known[at + 1] + known[at] + known[at + 2 :],
    ):
        assert is_misspelt(slip, known)


@given(st.text(max_size=30), st.sampled_from(KNOWN))
def test_any_name_can_be_looked_at(name: str, known: str) -> None:
    assert is_misspelt(name, known) in (True, False)
