audit {
  segment_size = "1KiB"
  segment_age  = "0s"
  reserve      = "11GiB"
  low_water    = -1
  heads        = "yes"
}

audits {}

audit {
  segment_size = "2GiB"
  segment_age  = "3651d"
  reserve      = 0
  low_water    = "2TiB"
  heads        = 1
  headz        = true
  segment_bytes = 7
}

database "sqlite" {}
