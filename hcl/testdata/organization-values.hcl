organization "one" {
  contacts   = ["finn@example.com"]
  expiration = "31.12.2027"
  managed_by = "nobody"
}

organization "two" {
  contacts   = ["finn@example.com"]
  expiration = 2027
  managed_by = file
}

organization "three" {
  contacts   = ["finn@example.com"]
  expiration = "2027-02-30"
  expires    = "2027-12-31"
}

organization "four" {
  contacts   = ["finn@example.com"]
  expiration = "2027-12-31T18:59:59.5Z"
}

organization "five" {
  contacts   = ["finn@example.com"]
  expiration = "1969-12-31"
}
