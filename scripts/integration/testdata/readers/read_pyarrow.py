"""Reads tables as pyarrow's datasets, and so pandas', do."""

import pyarrow as pa
import pyarrow.dataset as ds

import canonical

TO_ARROW = {"smallint": pa.int16(), "tinyint": pa.int8(), "string": pa.string()}
TO_HIVE = {pa.int8(): "tinyint", pa.int16(): "smallint", pa.int32(): "int", pa.int64(): "bigint", pa.float32(): "float", pa.string(): "string"}


def main():
    r = canonical.request()
    for table in r["tables"]:
        folders = pa.schema([(name, TO_ARROW[kind]) for name, kind in canonical.PARTITIONS[table["kind"]]])
        data = ds.dataset(table["folder"], format="parquet", partitioning=ds.partitioning(folders, flavor="hive")).to_table()
        columns = [(field.name, TO_HIVE.get(field.type, str(field.type))) for field in data.schema]
        canonical.write(r["out"], table, "pyarrow", columns, zip(*(column.to_pylist() for column in data.columns)))


main()
