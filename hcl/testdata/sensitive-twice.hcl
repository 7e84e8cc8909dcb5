locals {
  script = "/bin/echo -n ThisISAs3cr3t!"
  script = "/bin/echo -n ThisISAs3cr3t!"
}

locals { script = "/bin/echo -n ThisISAs3cr3t!" }

variable "argument" {
  default   = "ThisISAs3cr3t!"
  default   = "ThisISAs3cr3t!"
  sensitive = true
}

variable "argument" { default = "ThisISAs3cr3t!" }

server "kts01.example.com" {
  tls {
    private_key_password_script = "${local.script} ${var.argument}"
  }
}
