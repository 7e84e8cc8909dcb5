organization "one" {
  contacts = ["jake@example.com"]
}
organization "three" {
  contacts  = ["finn"]
  auth_code = "ThisISAs3cr3t!"
}
