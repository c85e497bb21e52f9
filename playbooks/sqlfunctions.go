package playbooks

import "strings"

// sqlChanging are functions that do something, and what.
var sqlChanging = map[string]string{
	"pg_cancel_backend": "cancels another session's query", "pg_terminate_backend": "ends another session",
	"pg_reload_conf": "reloads the server's configuration", "pg_rotate_logfile": "begins a new log file",
	"nextval": "takes a number of a sequence", "setval": "sets a sequence", "set_config": "changes a setting",
	"pg_switch_wal": "begins a new WAL file", "pg_promote": "makes a standby the primary", "pg_create_restore_point": "writes to the WAL",
	"pg_wal_replay_pause": "pauses replication", "pg_wal_replay_resume": "resumes replication", "pg_notify": "is noticed by other sessions",
	"pg_drop_replication_slot": "drops a replication slot", "pg_create_physical_replication_slot": "makes a replication slot",
	"pg_create_logical_replication_slot": "makes a replication slot", "pg_logical_emit_message": "writes to the WAL",
	"pg_stat_reset": "clears statistics", "pg_stat_reset_shared": "clears statistics", "pg_stat_statements_reset": "clears statistics",
	"pg_stat_reset_single_table_counters": "clears statistics", "pg_log_backend_memory_contexts": "writes to the server's log",
	"lo_create": "makes a large object", "lo_unlink": "removes a large object", "lo_put": "writes a large object", "lo_from_bytea": "makes a large object",
	"txid_current": "takes a transaction number", "pg_current_xact_id": "takes a transaction number",
	"query_to_xml": "runs a text as a query", "cursor_to_xml": "runs a cursor", "database_to_xml": "reads everything", "schema_to_xml": "reads everything",
	"pg_prewarm": "loads a table into memory", "pg_export_snapshot": "keeps a snapshot open",
}

// sqlPure are functions, types and keywords that may stand in front of a
// bracket in a statement that only reads.
var sqlPure = wordSet(`
	abs ceil ceiling floor round trunc mod power sqrt exp ln log sign greatest least nullif coalesce random width_bucket
	count sum avg min max stddev stddev_pop stddev_samp variance var_pop var_samp percentile_cont percentile_disc mode corr
	bool_and bool_or every string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg
	row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
	length char_length character_length octet_length lower upper initcap trim ltrim rtrim btrim left right substr substring position strpos
	replace translate repeat reverse lpad rpad split_part concat concat_ws format quote_ident quote_literal quote_nullable md5 encode decode
	regexp_replace regexp_match regexp_matches regexp_split_to_table regexp_split_to_array regexp_count regexp_like starts_with overlay ascii chr to_hex sha256
	now clock_timestamp statement_timestamp transaction_timestamp timeofday age date_part date_trunc date_bin extract make_interval make_date make_timestamptz justify_hours justify_interval justify_days isfinite
	to_char to_date to_timestamp to_number to_json to_jsonb row_to_json json_build_object jsonb_build_object json_build_array jsonb_build_array
	json_array_elements jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_each jsonb_each json_each_text jsonb_each_text json_extract_path jsonb_extract_path json_extract_path_text jsonb_extract_path_text
	jsonb_pretty jsonb_typeof json_typeof jsonb_object_keys json_object_keys jsonb_array_length json_array_length jsonb_path_query jsonb_path_exists
	unnest generate_series generate_subscripts array_length array_upper array_lower array_position array_to_string string_to_array cardinality array_append array_cat array_remove
	host family masklen network inet_server_addr inet_server_port inet_client_addr inet_client_port
	version current_database current_schema current_schemas current_user session_user current_setting current_query
	pg_size_pretty pg_size_bytes pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_database_size pg_tablespace_size pg_column_size
	pg_blocking_pids pg_safe_snapshot_blocking_pids pg_backend_pid pg_postmaster_start_time pg_conf_load_time pg_is_in_recovery pg_is_wal_replay_paused
	pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_current_wal_lsn pg_current_wal_insert_lsn pg_wal_lsn_diff pg_walfile_name pg_lock_status
	pg_get_indexdef pg_get_constraintdef pg_get_viewdef pg_get_functiondef pg_get_expr pg_get_userbyid pg_get_triggerdef pg_get_serial_sequence
	pg_encoding_to_char pg_describe_object pg_typeof format_type obj_description col_description shobj_description to_regclass to_regtype to_regproc
	has_table_privilege has_schema_privilege has_database_privilege has_column_privilege has_function_privilege pg_has_role pg_table_is_visible
	pg_stat_get_activity pg_index_column_has_property pg_sleep pg_options_to_table pg_show_all_settings txid_current_snapshot pg_snapshot_xmin
	mxid_age row_security_active pg_partition_tree pg_partition_root pg_relation_filenode pg_filenode_relation
	in exists values over filter and or not case when then else any all some as using on cast row array select from where having by limit offset union intersect except within group lateral
	with distinct is between like ilike similar partition order rows range join cross returning only materialized recursive grouping sets cube rollup window return end if
	numeric decimal varchar char character varying bit interval timestamp timestamptz time timetz float text int integer bigint smallint oid regclass xid
`)

func wordSet(text string) map[string]bool {
	all := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		all[w] = true
	}
	return all
}

func readsOnly(name string) bool {
	return sqlPure[name] || strings.HasPrefix(name, "pg_stat_get_") || strings.HasPrefix(name, "has_") && strings.HasSuffix(name, "_privilege")
}
