"""Reads the Parquet files of a folder by pyarrow and DuckDB and compares them with what is told
of them in the .json file beside each: schema, values, statistics, indexes, Bloom filters.
Prints what differs and exits with 1, or prints how many files and rows it read."""

import glob
import json
import math
import os
import struct
import sys

import duckdb
import pyarrow
import pyarrow.parquet as pq

PHYSICAL = {"Int32": "INT32", "Int64": "INT64", "Float32": "FLOAT", "String": "BYTE_ARRAY"}
SQL = {"Int32": "INTEGER", "Int64": "BIGINT", "Float32": "FLOAT", "String": "VARCHAR"}
CODECS = {"none": "UNCOMPRESSED"}
problems = []


def check(ok, *what):
    if not ok and len(problems) < 50:
        problems.append(" ".join(str(w) for w in what))


def as_told(kind, values):
    """Floats are told by their bits, since JSON has no NaN and no infinity."""
    if kind != "Float32":
        return values
    return [struct.unpack("<f", struct.pack("<I", v))[0] for v in values]


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("<f", a) == struct.pack("<f", b) or (math.isnan(a) and math.isnan(b))
    return a == b


def check_pyarrow(path, told, groups):
    codec = CODECS.get(told["codec"], told["codec"].upper())
    file = pq.ParquetFile(path, page_checksum_verification=True)
    meta = file.metadata
    check(meta.created_by == told["created_by"], path, "created_by", meta.created_by)
    check(meta.format_version == "1.0", path, "version", meta.format_version)
    check(meta.num_row_groups == len(groups), path, "row groups", meta.num_row_groups)
    for i, column in enumerate(told["schema"]):
        c, kind = meta.schema.column(i), column["type"]
        check(c.name == column["name"] and c.physical_type == PHYSICAL[kind], path, "schema", c)
        check(c.max_definition_level == 0 and c.max_repetition_level == 0, path, "levels", c)
        check(c.logical_type.type == ("STRING" if kind == "String" else "NONE"), path, "logical type", c)
        check(c.converted_type == ("UTF8" if kind == "String" else "NONE"), path, "converted type", c)
    for g, columns in enumerate(groups):
        table = file.read_row_group(g)
        for i, column in enumerate(told["schema"]):
            where = "%s: row group %d, %s:" % (path, g, column["name"])
            chunk = meta.row_group(g).column(i)
            check(set(chunk.encodings) <= {"PLAIN", "PLAIN_DICTIONARY", "RLE"}, where, chunk.encodings)
            check(chunk.has_dictionary_page == ("PLAIN_DICTIONARY" in chunk.encodings), where, "dictionary page")
            check(chunk.compression == codec, where, chunk.compression)
            check(chunk.has_offset_index, where, "no offset index")
            values = table.column(i).to_pylist()
            check(len(values) == len(columns[i]) and all(map(same, values, columns[i])), where, "values differ")
            check_statistics(where, column["type"], chunk, columns[i])


def check_statistics(where, kind, chunk, values):
    stats = chunk.statistics
    check(stats.null_count == 0, where, "nulls", stats.null_count)
    if any(isinstance(v, float) and math.isnan(v) for v in values):
        check(not stats.has_min_max and not chunk.has_column_index, where, "statistics though there is a NaN")
        return
    check(stats.has_min_max and chunk.has_column_index, where, "no statistics")
    key = (lambda s: s.encode()) if kind == "String" else None
    least, greatest = min(values, key=key), max(values, key=key)
    if kind != "String" or len(least.encode()) <= 64:
        check(stats.min == least, where, "min", stats.min, least)
    else:
        check(stats.min.encode() <= least.encode() and len(stats.min.encode()) <= 64, where, "min", stats.min)
    if kind != "String" or len(greatest.encode()) <= 64:
        check(stats.max == greatest, where, "max", stats.max, greatest)
    else:
        check(stats.max.encode() > greatest.encode() and len(stats.max.encode()) <= 65, where, "max", stats.max)


def check_duckdb(path, told, groups):
    rows = sum(len(g[0]) for g in groups)
    names = [c["name"] for c in told["schema"]]
    columns = ", ".join('"%s"' % n for n in names)
    got = duckdb.execute("SELECT %s FROM read_parquet(?)" % columns, [path])
    check([d[1] for d in got.description] == [SQL[c["type"]] for c in told["schema"]], path, "DuckDB types", got.description)
    want = [sum((g[i] for g in groups), []) for i in range(len(names))]
    values = list(zip(*got.fetchall())) or [[] for _ in names]
    for i, name in enumerate(names):
        check(len(values[i]) == rows and all(map(same, values[i], want[i])), path, name, "values differ in DuckDB")

    schema = duckdb.execute("SELECT name, type, type_length, repetition_type, num_children FROM parquet_schema(?)", [path]).fetchall()
    for (name, kind, length, repetition, children), column in zip(schema[1:], told["schema"]):
        check((name, kind) == (column["name"], PHYSICAL[column["type"]]), path, "parquet_schema", name, kind)
        check(length is None and repetition == "REQUIRED" and not children, path, name, length, repetition, children)

    meta = duckdb.execute(
        "SELECT path_in_schema, num_values, total_compressed_size, data_page_offset, dictionary_page_offset,"
        " bloom_filter_offset, bloom_filter_length, min_is_exact, max_is_exact, row_group_id FROM parquet_metadata(?)", [path]).fetchall()
    check(len(meta) == len(groups) * len(names), path, "parquet_metadata has", len(meta), "rows")
    size = os.path.getsize(path)
    for name, n, compressed, data, dictionary, bloom, length, least, greatest, group in meta:
        first = data if dictionary is None else dictionary
        check(first <= data and first + compressed < size, path, name, "offsets", first, data, compressed)
        check(n == len(groups[group][0]), path, name, n, "values")
        values = groups[group][names.index(name)]
        short = not isinstance(values[0], str)
        check(least in (None, short or len(min(values, key=str.encode).encode()) <= 64), path, name, "min exact:", least)
        check(greatest in (None, short or len(max(values, key=str.encode).encode()) <= 64), path, name, "max exact:", greatest)
        searched = told["schema"][names.index(name)]["searched"]
        check((bloom is not None) == searched and (not searched or bloom + length < size), path, name, "Bloom filter", bloom, length)
    for i, column in enumerate(told["schema"]):
        if column["searched"]:
            check_bloom(path, column, want[i], len(groups))


def check_bloom(path, column, values, groups):
    """Asks DuckDB, whose own hashing is thereby compared."""
    def excluded(value):
        probes = duckdb.execute("SELECT bloom_filter_excludes FROM parquet_bloom_probe('%s', '%s', %s)" % (
            path.replace("'", "''"), column["name"], literal(column["type"], value)))
        return [p for p, in probes.fetchall()]

    step = max(1, len(values) // 20)
    for value in values[::step]:
        if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
            continue
        got = excluded(value)
        check(len(got) == groups and not all(got), path, column["name"], repr(value)[:50], "is excluded by its Bloom filter")
    if column["type"] == "String":
        absent = [excluded("absent-%d" % i) for i in range(20)]
        check(sum(all(a) for a in absent) >= 15, path, column["name"], "the Bloom filter excludes too little", absent)


def literal(kind, value):
    if kind == "String":
        return "'%s'" % value.replace("'", "''")
    return "CAST('%s' AS %s)" % (repr(value), SQL[kind])


def main(folder):
    rows = 0
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), "*.parquet")))
    for path in paths:
        with open(path[:-len("parquet")] + "json", encoding="utf-8") as f:
            told = json.load(f)
        groups = [[as_told(c["type"], v) for c, v in zip(told["schema"], g)] for g in told["row_groups"]]
        check_pyarrow(path, told, groups)
        check_duckdb(path, told, groups)
        rows += sum(len(g[0]) for g in groups)
    for p in problems:
        print(p)
    if problems:
        sys.exit(1)
    print("pyarrow %s and DuckDB %s read %d rows of %d files" % (pyarrow.__version__, duckdb.__version__, rows, len(paths)))


if __name__ == "__main__":
    main(sys.argv[1])
