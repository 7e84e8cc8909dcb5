organization "one" {
  contacts = ["finn@example.com"]
  auth_code = "ThisISAs3cr3t!" "ThisISAs3cr3t!"
}

organization "two" {
  "auth_code" = "ThisISAs3cr3t!"
}

organization "three" {
  auth_code: "ThisISAs3cr3t!"
}

organization "four" { auth_code = "ThisISAs3cr3t!", approval = "contacts" }

organization "five" {
  auth_code = "ThisISAs3cr3t!
}
