variable "domain" {}

variable "count" {
  type    = number
  default = "12"
}

variable "flag" {
  type    = truth
  default = true
}

variable "names" {
  type        = list(string)
  default     = ["finn", 1]
  description = 12
  sensitive   = "yes"
}

variable "two words" {}

variable "domain" {
  default = "example.com"
}

variable "computed" {
  default = upper("x")
  secret  = true
}

variable "secret" {
  type      = number
  default   = "ThisISAs3cr3t!"
  sensitive = true
}

variable "list" {
  type = list(number)
}

variable {}

variable "hidden" { sensitive = true }
