"""What the files of a data set version are called and how their cells are kept; light enough for the website."""

import pyarrow as pa

DATA = "data.parquet"
SET_ASIDE = "set_aside.parquet"
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
CONVERSATION = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
