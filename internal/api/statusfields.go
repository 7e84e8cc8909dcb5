package api

// statusFields are those of ServerStatus and of what it holds.
func statusFields() map[string]field {
	size := object{"minimum": 0}
	return map[string]field{
		"ServerStatus":             {"Tells how ktsd does.", nil},
		"ServerStatus.time":        {"The time, by ktsd's clock.", nil},
		"ServerStatus.certificate": {"The TLS certificate in use.", nil},
		"ServerStatus.store":       {"How the database does.", nil},
		"ServerStatus.audit":       {"How the audit log does.", nil},
		"ServerStatus.counts":      {"How much there is; absent where the database does not answer.", nil},

		"CertificateStatus":             {"Describes a TLS certificate.", nil},
		"CertificateStatus.subject":     {"Its subject.", nil},
		"CertificateStatus.names":       {"The host names and addresses that it is for.", nil},
		"CertificateStatus.expires":     {"When it ends.", nil},
		"CertificateStatus.self_signed": {"Whether it vouches for itself.", nil},
		"CertificateStatus.hostname":    {"The name by which clients reach the server.", nil},
		"CertificateStatus.named":       {"Whether it is for that name.", nil},
		"CertificateStatus.suited":      {"Whether a cipher suite that the server may use works with its key. If not, only clients with TLS 1.3 can connect.", nil},

		"StoreStatus":         {"Tells how the database does.", nil},
		"StoreStatus.problem": {"Why no changes can be made; absent where they can.", nil},
		"StoreStatus.waiting": {"Changes that wait for their turn.", size},

		"AuditStatus":              {"Tells how the audit log does. Sizes are in bytes.", nil},
		"AuditStatus.problem":      {"Why nothing can be audited; absent where it can.", nil},
		"AuditStatus.unchained":    {"Records of changes made that are not in the log yet.", size},
		"AuditStatus.unsynced":     {"Records in the log that are not known to be on disk.", size},
		"AuditStatus.since":        {"Since when the oldest of these waits.", nil},
		"AuditStatus.lines":        {"The number of the log's last line.", size},
		"AuditStatus.head":         {"The number of the line that the last signed head vouches for; 0: none was sent since the start.", size},
		"AuditStatus.head_sent":    {"When that head was sent.", nil},
		"AuditStatus.head_problem": {"Why the next head was not sent; absent where nothing is known to stop it.", nil},
		"AuditStatus.free":         {"What is free on the log's disk, the reserve not counted; -1 where that cannot be told.", object{"minimum": -1}},
		"AuditStatus.mark":         {"With less than that free, changes are refused; 0: there is no mark.", size},
		"AuditStatus.reserve":      {"What is set aside for the reads of when the disk is full.", size},
		"AuditStatus.low_water":    {"Whether changes are refused because the disk is nearly full.", nil},

		"Counts":               {"Tells how much there is.", nil},
		"Counts.clients":       {"Clients that are registered, in whatever state.", size},
		"Counts.pending":       {"Clients that wait to be let in.", size},
		"Counts.pending_by":    {"The same by organization: ten at most, those with the most.", nil},
		"Counts.organizations": {"Organizations.", size},
		"Counts.expired":       {"Organizations whose time has passed.", size},
		"Counts.expired_names": {"Their names, ten at most.", nil},

		"PendingClients":              {"How many clients of an organization wait to be let in.", nil},
		"PendingClients.organization": {"The organization's name.", organizationForm},
		"PendingClients.clients":      {"How many.", countForm},
	}
}
