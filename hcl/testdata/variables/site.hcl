variable "domain" {}

variable "count" { type = number }

variable "flag" { type = bool }

variable "names" { type = list(string) }

variable "size" { type = number }

variable "password" {
  sensitive = true
}

variable "token" { sensitive = true }

variable "pin" { sensitive = true }
