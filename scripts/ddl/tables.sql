CREATE EXTERNAL TABLE IF NOT EXISTS ${db}.flow (
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
LOCATION '${location}/flow/hive';

CREATE EXTERNAL TABLE IF NOT EXISTS ${db}.dns (
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
LOCATION '${location}/dns/hive';

CREATE EXTERNAL TABLE IF NOT EXISTS ${db}.proxy (
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
LOCATION '${location}/proxy/hive';
