-- New partitions are made known by MSCK REPAIR TABLE spot.flow (Hive, Spark)
-- or by ALTER TABLE spot.flow RECOVER PARTITIONS (Impala, Spark). Where Hive refuses
-- a folder such as hive/oa, SET hive.msck.path.validation=skip comes first.
CREATE EXTERNAL TABLE IF NOT EXISTS spot.flow (
  treceived STRING,
  unix_tstamp BIGINT,
  tryear INT,
  trmonth INT,
  trday INT,
  trhour INT,
  trminute INT,
  trsec INT,
  tdur FLOAT,
  sip STRING,
  dip STRING,
  sport INT,
  dport INT,
  proto STRING,
  flag STRING,
  fwd INT,
  stos INT,
  ipkt BIGINT,
  ibyt BIGINT,
  opkt BIGINT,
  obyt BIGINT,
  input INT,
  output INT,
  sas INT,
  das INT,
  dtos INT,
  dir INT,
  rip STRING
)
PARTITIONED BY (
  y SMALLINT,
  m TINYINT,
  d TINYINT,
  h TINYINT
)
STORED AS PARQUET
LOCATION '/user/spot/flow/hive';

-- New partitions are made known by MSCK REPAIR TABLE spot.dns (Hive, Spark)
-- or by ALTER TABLE spot.dns RECOVER PARTITIONS (Impala, Spark). Where Hive refuses
-- a folder such as hive/oa, SET hive.msck.path.validation=skip comes first.
CREATE EXTERNAL TABLE IF NOT EXISTS spot.dns (
  frame_time STRING,
  unix_tstamp BIGINT,
  frame_len INT,
  ip_dst STRING,
  ip_src STRING,
  dns_qry_name STRING,
  dns_qry_class STRING,
  dns_qry_type INT,
  dns_qry_rcode INT,
  dns_a STRING
)
PARTITIONED BY (
  y SMALLINT,
  m TINYINT,
  d TINYINT,
  h TINYINT
)
STORED AS PARQUET
LOCATION '/user/spot/dns/hive';

-- New partitions are made known by MSCK REPAIR TABLE spot.proxy (Hive, Spark)
-- or by ALTER TABLE spot.proxy RECOVER PARTITIONS (Impala, Spark). Where Hive refuses
-- a folder such as hive/oa, SET hive.msck.path.validation=skip comes first.
CREATE EXTERNAL TABLE IF NOT EXISTS spot.proxy (
  p_date STRING,
  p_time STRING,
  clientip STRING,
  host STRING,
  reqmethod STRING,
  useragent STRING,
  resconttype STRING,
  duration INT,
  username STRING,
  authgroup STRING,
  exceptionid STRING,
  filterresult STRING,
  webcat STRING,
  referer STRING,
  respcode STRING,
  action STRING,
  urischeme STRING,
  uriport STRING,
  uripath STRING,
  uriquery STRING,
  uriextension STRING,
  serverip STRING,
  scbytes INT,
  csbytes INT,
  virusid STRING,
  bcappname STRING,
  bcappoper STRING,
  fulluri STRING
)
PARTITIONED BY (
  y STRING,
  m STRING,
  d STRING,
  h STRING
)
STORED AS PARQUET
LOCATION '/user/spot/proxy/hive';
