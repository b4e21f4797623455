// Written by "npm run generate" from the migrated database; do not edit.
import type { SchemaFacts } from '../vocabulary.ts'

export const schemaFacts: SchemaFacts = {
  "acknowledgement_links": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "receiver_kind": {
        "type": "text",
        "nullable": false
      },
      "receiver_id": {
        "type": "uuid",
        "nullable": false
      },
      "token_hash": {
        "type": "bytea",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "acknowledged_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "statement": {
        "type": "integer",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "api_keys": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "prefix": {
        "type": "text",
        "nullable": false
      },
      "secret_hash": {
        "type": "bytea",
        "nullable": false
      },
      "access": {
        "type": "text",
        "nullable": false
      },
      "owner_id": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "revoked_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "last_used_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "owner_id"
        ],
        "references": "users"
      }
    ]
  },
  "assessment_attempts": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "assessment_id": {
        "type": "uuid",
        "nullable": false
      },
      "attempt": {
        "type": "integer",
        "nullable": false
      },
      "submitted_on": {
        "type": "date",
        "nullable": true
      },
      "score": {
        "type": "numeric",
        "nullable": true
      },
      "banked": {
        "type": "boolean",
        "nullable": false
      },
      "graded_by": {
        "type": "uuid",
        "nullable": true
      },
      "feedback": {
        "type": "text",
        "nullable": true
      },
      "graded_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "assessment_id",
      "attempt"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "assessment_id"
        ],
        "references": "assessments"
      },
      {
        "columns": [
          "tenant_id",
          "graded_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "assessments": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "weight": {
        "type": "numeric",
        "nullable": true
      },
      "due_on": {
        "type": "date",
        "nullable": true
      },
      "external_key": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      }
    ]
  },
  "audit_checkpoints": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "sequence": {
        "type": "bigint",
        "nullable": false
      },
      "jws": {
        "type": "text",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "sequence"
    ],
    "foreignKeys": []
  },
  "audit_entries": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "initiated_from": {
        "type": "text",
        "nullable": false
      },
      "actor_kind": {
        "type": "text",
        "nullable": false
      },
      "actor_id": {
        "type": "uuid",
        "nullable": true
      },
      "activity": {
        "type": "text",
        "nullable": false
      },
      "object_kind": {
        "type": "text",
        "nullable": false
      },
      "object_id": {
        "type": "uuid",
        "nullable": true
      },
      "subject_id": {
        "type": "uuid",
        "nullable": true
      },
      "contact_hash": {
        "type": "bytea",
        "nullable": true
      },
      "details": {
        "type": "text",
        "nullable": false
      },
      "sealed_values": {
        "type": "bytea",
        "nullable": true
      },
      "sequence": {
        "type": "bigint",
        "nullable": true
      },
      "hash": {
        "type": "bytea",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": []
  },
  "audit_readings": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "version": {
        "type": "smallint",
        "nullable": false
      },
      "last_entry": {
        "type": "uuid",
        "nullable": true
      },
      "entries": {
        "type": "bigint",
        "nullable": false
      },
      "started_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "audit_resealed": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "entry_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "sealed_values": {
        "type": "bytea",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "entry_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "backup_declarations": {
    "columns": {
      "declared_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "oldest": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "declared_at"
    ],
    "foreignKeys": []
  },
  "catalog_groups": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "catalog_id": {
        "type": "uuid",
        "nullable": false
      },
      "group_id": {
        "type": "uuid",
        "nullable": false
      },
      "added_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "catalog_id",
      "group_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "catalog_id"
        ],
        "references": "catalogs"
      },
      {
        "columns": [
          "tenant_id",
          "group_id"
        ],
        "references": "directory_groups"
      }
    ]
  },
  "catalog_members": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "catalog_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "role": {
        "type": "text",
        "nullable": false
      },
      "deletion_id": {
        "type": "uuid",
        "nullable": true
      },
      "added_by": {
        "type": "uuid",
        "nullable": true
      },
      "added_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "added_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "catalog_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "added_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "catalog_id"
        ],
        "references": "catalogs"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "catalogs": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "description": {
        "type": "text",
        "nullable": true
      },
      "contact_emails": {
        "type": "text[]",
        "nullable": false
      },
      "external_key": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "deleted_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "confirmation_links": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "address_hash": {
        "type": "bytea",
        "nullable": false
      },
      "base_url": {
        "type": "text",
        "nullable": false
      },
      "token_hash": {
        "type": "bytea",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "sent_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "used_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "confirmed_identities": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "hash": {
        "type": "bytea",
        "nullable": false
      },
      "method": {
        "type": "text",
        "nullable": false
      },
      "provider_id": {
        "type": "uuid",
        "nullable": true
      },
      "confirmed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "kind"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "connectors": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "address": {
        "type": "text",
        "nullable": false
      },
      "notify_emails": {
        "type": "text[]",
        "nullable": false
      },
      "run_as": {
        "type": "uuid",
        "nullable": true
      },
      "every_minutes": {
        "type": "integer",
        "nullable": true
      },
      "with_roles": {
        "type": "boolean",
        "nullable": false
      },
      "least_percent": {
        "type": "integer",
        "nullable": false
      },
      "sealed_credentials": {
        "type": "bytea",
        "nullable": true
      },
      "credentials_kind": {
        "type": "text",
        "nullable": true
      },
      "enabled": {
        "type": "boolean",
        "nullable": false
      },
      "disabled_because": {
        "type": "text",
        "nullable": true
      },
      "next_run_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "last_rows": {
        "type": "bigint",
        "nullable": true
      },
      "asking_rows": {
        "type": "bigint",
        "nullable": true
      },
      "confirmed_rows": {
        "type": "bigint",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "changed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "run_as"
        ],
        "references": "users"
      }
    ]
  },
  "contact_keys": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "hash": {
        "type": "bytea",
        "nullable": false
      },
      "sealed_key": {
        "type": "bytea",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "fold_version": {
        "type": "smallint",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "hash"
    ],
    "foreignKeys": []
  },
  "course_authors": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "added_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "course_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "course_groups": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "group_id": {
        "type": "uuid",
        "nullable": false
      },
      "added_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "course_id",
      "group_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      },
      {
        "columns": [
          "tenant_id",
          "group_id"
        ],
        "references": "directory_groups"
      }
    ]
  },
  "courses": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "catalog_id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "description": {
        "type": "text",
        "nullable": true
      },
      "contact_emails": {
        "type": "text[]",
        "nullable": false
      },
      "reply_to_email": {
        "type": "text",
        "nullable": true
      },
      "starts_on": {
        "type": "date",
        "nullable": true
      },
      "length_days": {
        "type": "integer",
        "nullable": true
      },
      "external_key": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "deleted_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "catalog_id"
        ],
        "references": "catalogs"
      }
    ]
  },
  "directory_groups": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "directory_object_id": {
        "type": "uuid",
        "nullable": true
      },
      "display_name": {
        "type": "text",
        "nullable": false
      },
      "description": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "enrollments": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": true
      },
      "training_plan_id": {
        "type": "uuid",
        "nullable": true
      },
      "session_id": {
        "type": "uuid",
        "nullable": true
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "result": {
        "type": "text",
        "nullable": true
      },
      "registered_on": {
        "type": "date",
        "nullable": true
      },
      "withdrawn_on": {
        "type": "date",
        "nullable": true
      },
      "completed_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "previous_attempts": {
        "type": "integer",
        "nullable": false
      },
      "credits": {
        "type": "integer",
        "nullable": true
      },
      "enrolled_by": {
        "type": "uuid",
        "nullable": true
      },
      "note": {
        "type": "text",
        "nullable": true
      },
      "deletion_id": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "unenrolled_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "unenrolled_by": {
        "type": "uuid",
        "nullable": true
      },
      "enrolled_by_credential": {
        "type": "uuid",
        "nullable": true
      },
      "unenrolled_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      },
      {
        "columns": [
          "tenant_id",
          "enrolled_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "session_id"
        ],
        "references": "sessions"
      },
      {
        "columns": [
          "tenant_id",
          "training_plan_id"
        ],
        "references": "training_plans"
      },
      {
        "columns": [
          "tenant_id",
          "unenrolled_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "erasure_certificates": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "number": {
        "type": "integer",
        "nullable": false
      },
      "kid": {
        "type": "text",
        "nullable": false
      },
      "jws": {
        "type": "text",
        "nullable": false
      },
      "issued_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "request_id",
      "number"
    ],
    "foreignKeys": [
      {
        "columns": [
          "kid"
        ],
        "references": "signing_keys"
      },
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "erasure_decisions": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "decision": {
        "type": "text",
        "nullable": false
      },
      "reason_code": {
        "type": "text",
        "nullable": true
      },
      "note": {
        "type": "text",
        "nullable": true
      },
      "decided_by": {
        "type": "uuid",
        "nullable": true
      },
      "decided_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "request_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "decided_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "erasure_findings": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": true
      },
      "table_name": {
        "type": "text",
        "nullable": false
      },
      "column_name": {
        "type": "text",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "row_count": {
        "type": "bigint",
        "nullable": false
      },
      "found_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "resolved_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "erasure_ledger": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "operation": {
        "type": "text",
        "nullable": false
      },
      "map_version": {
        "type": "text",
        "nullable": false
      },
      "erased_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "request_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "erasure_plan_subjects": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "plan_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "digest": {
        "type": "bytea",
        "nullable": false
      },
      "parts": {
        "type": "jsonb",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "plan_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "plan_id"
        ],
        "references": "erasure_plans"
      }
    ]
  },
  "erasure_plans": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "digest": {
        "type": "text",
        "nullable": false
      },
      "operation": {
        "type": "text",
        "nullable": false
      },
      "delete_first": {
        "type": "boolean",
        "nullable": false
      },
      "map_version": {
        "type": "text",
        "nullable": false
      },
      "requester": {
        "type": "bytea",
        "nullable": false
      },
      "people": {
        "type": "integer",
        "nullable": false
      },
      "covers_mentions": {
        "type": "boolean",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "erasure_reaches": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": true
      },
      "provider_id": {
        "type": "uuid",
        "nullable": true
      },
      "sealed_people": {
        "type": "bytea",
        "nullable": true
      },
      "confirmed_hashes": {
        "type": "bytea[]",
        "nullable": false
      },
      "trials": {
        "type": "uuid[]",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "erasure_receipts": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "table_name": {
        "type": "text",
        "nullable": false
      },
      "effect": {
        "type": "text",
        "nullable": false
      },
      "row_count": {
        "type": "bigint",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "request_id",
      "table_name",
      "effect"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "erasure_requests": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "operation": {
        "type": "text",
        "nullable": false
      },
      "initiated_from": {
        "type": "text",
        "nullable": false
      },
      "requested_by": {
        "type": "uuid",
        "nullable": true
      },
      "reason": {
        "type": "text",
        "nullable": true
      },
      "sealed_key": {
        "type": "bytea",
        "nullable": true
      },
      "map_version": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "started_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "disk_level": {
        "type": "smallint",
        "nullable": true
      },
      "disk_level_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "backups_past_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "requested_by_credential": {
        "type": "uuid",
        "nullable": true
      },
      "approval_required": {
        "type": "boolean",
        "nullable": false
      },
      "cooling_off_hours": {
        "type": "integer",
        "nullable": false
      },
      "run_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "due_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "about": {
        "type": "text",
        "nullable": false
      },
      "from_outside": {
        "type": "boolean",
        "nullable": false
      },
      "trials_reached": {
        "type": "integer",
        "nullable": true
      },
      "event_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "requested_by"
        ],
        "references": "users"
      }
    ]
  },
  "erasure_steps": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "step": {
        "type": "text",
        "nullable": false
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "removed": {
        "type": "bigint",
        "nullable": false
      },
      "retained": {
        "type": "bigint",
        "nullable": false
      },
      "shared": {
        "type": "bigint",
        "nullable": false
      },
      "failed": {
        "type": "bigint",
        "nullable": false
      },
      "started_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "error_code": {
        "type": "text",
        "nullable": true
      },
      "error_reason": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "request_id",
      "step"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "erasure_subjects": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "sealed_identifiers": {
        "type": "bytea",
        "nullable": true
      },
      "counts": {
        "type": "jsonb",
        "nullable": true
      },
      "error_code": {
        "type": "text",
        "nullable": true
      },
      "error_reason": {
        "type": "text",
        "nullable": true
      },
      "erased_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "salted_hashes": {
        "type": "text",
        "nullable": true
      },
      "fold_version": {
        "type": "smallint",
        "nullable": false
      },
      "plan_id": {
        "type": "uuid",
        "nullable": true
      },
      "plan_changes": {
        "type": "jsonb",
        "nullable": true
      },
      "commitments": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "request_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "erasure_wishes": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "refusal_reason": {
        "type": "text",
        "nullable": true
      },
      "note": {
        "type": "text",
        "nullable": true
      },
      "request_id": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "decided_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "decided_by": {
        "type": "uuid",
        "nullable": true
      },
      "decided_by_credential": {
        "type": "uuid",
        "nullable": true
      },
      "told_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "decided_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "event_cutoffs": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "ref_hash": {
        "type": "bytea",
        "nullable": false
      },
      "deleted_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "suspended_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "ref_hash"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "export_chunks": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "export_id": {
        "type": "uuid",
        "nullable": false
      },
      "position": {
        "type": "integer",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "content": {
        "type": "bytea",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "export_id",
      "position"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "export_id"
        ],
        "references": "exports"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "exports": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "ordered_by": {
        "type": "uuid",
        "nullable": true
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "sealed_key": {
        "type": "bytea",
        "nullable": true
      },
      "size": {
        "type": "bigint",
        "nullable": false
      },
      "rows_written": {
        "type": "bigint",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "error_code": {
        "type": "text",
        "nullable": true
      },
      "words": {
        "type": "bytea",
        "nullable": true
      },
      "erased_words": {
        "type": "bigint[]",
        "nullable": false
      },
      "withdrawn_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "ordered_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "ordered_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "external_systems": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "contact_emails": {
        "type": "text[]",
        "nullable": false
      },
      "holds": {
        "type": "text",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "former_identifiers": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "hash": {
        "type": "bytea",
        "nullable": false
      },
      "fold_version": {
        "type": "smallint",
        "nullable": false
      },
      "sealed_value": {
        "type": "bytea",
        "nullable": false
      },
      "since": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "until": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "kind",
      "hash"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "graphile_worker._private_job_queues": {
    "columns": {
      "id": {
        "type": "integer",
        "nullable": false,
        "generated": "identity"
      },
      "queue_name": {
        "type": "text",
        "nullable": false
      },
      "locked_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "locked_by": {
        "type": "text",
        "nullable": true
      },
      "is_available": {
        "type": "boolean",
        "nullable": false,
        "generated": "stored"
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": []
  },
  "graphile_worker._private_jobs": {
    "columns": {
      "id": {
        "type": "bigint",
        "nullable": false,
        "generated": "identity"
      },
      "job_queue_id": {
        "type": "integer",
        "nullable": true
      },
      "task_id": {
        "type": "integer",
        "nullable": false
      },
      "payload": {
        "type": "json",
        "nullable": false
      },
      "priority": {
        "type": "smallint",
        "nullable": false
      },
      "run_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "attempts": {
        "type": "smallint",
        "nullable": false
      },
      "max_attempts": {
        "type": "smallint",
        "nullable": false
      },
      "last_error": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "updated_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "key": {
        "type": "text",
        "nullable": true
      },
      "locked_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "locked_by": {
        "type": "text",
        "nullable": true
      },
      "revision": {
        "type": "integer",
        "nullable": false
      },
      "flags": {
        "type": "jsonb",
        "nullable": true
      },
      "is_available": {
        "type": "boolean",
        "nullable": false,
        "generated": "stored"
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": []
  },
  "graphile_worker._private_known_crontabs": {
    "columns": {
      "identifier": {
        "type": "text",
        "nullable": false
      },
      "known_since": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "last_execution": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "identifier"
    ],
    "foreignKeys": []
  },
  "graphile_worker._private_tasks": {
    "columns": {
      "id": {
        "type": "integer",
        "nullable": false,
        "generated": "identity"
      },
      "identifier": {
        "type": "text",
        "nullable": false
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": []
  },
  "graphile_worker.migrations": {
    "columns": {
      "id": {
        "type": "integer",
        "nullable": false
      },
      "ts": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "breaking": {
        "type": "boolean",
        "nullable": false
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": []
  },
  "group_members": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "group_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "deletion_id": {
        "type": "uuid",
        "nullable": true
      },
      "added_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "group_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "group_id"
        ],
        "references": "directory_groups"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "idempotent_requests": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "key_hash": {
        "type": "text",
        "nullable": false
      },
      "fingerprint": {
        "type": "text",
        "nullable": false
      },
      "status": {
        "type": "smallint",
        "nullable": true
      },
      "user_id": {
        "type": "uuid",
        "nullable": true
      },
      "body": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "key_hash"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "identity_provider_tokens": {
    "columns": {
      "provider_id": {
        "type": "uuid",
        "nullable": false
      },
      "token_hash": {
        "type": "bytea",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "provider_id",
      "token_hash"
    ],
    "foreignKeys": [
      {
        "columns": [
          "provider_id"
        ],
        "references": "identity_providers"
      }
    ]
  },
  "identity_providers": {
    "columns": {
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "issuer": {
        "type": "text",
        "nullable": false
      },
      "audience": {
        "type": "text",
        "nullable": false
      },
      "keys": {
        "type": "jsonb",
        "nullable": false
      },
      "algorithms": {
        "type": "text[]",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "changed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": []
  },
  "import_files": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "source": {
        "type": "text",
        "nullable": false
      },
      "file_name": {
        "type": "text",
        "nullable": false
      },
      "lines_imported": {
        "type": "bigint",
        "nullable": false
      },
      "prefix_digest": {
        "type": "bytea",
        "nullable": false
      },
      "updated_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "source",
      "file_name"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "import_run_chunks": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "run_id": {
        "type": "uuid",
        "nullable": false
      },
      "position": {
        "type": "integer",
        "nullable": false
      },
      "content": {
        "type": "bytea",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "run_id",
      "position"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "run_id"
        ],
        "references": "import_runs"
      }
    ]
  },
  "import_run_rows": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "run_id": {
        "type": "uuid",
        "nullable": false
      },
      "line": {
        "type": "integer",
        "nullable": false
      },
      "outcome": {
        "type": "text",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": true
      },
      "reason": {
        "type": "text",
        "nullable": true
      },
      "changed": {
        "type": "text[]",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "run_id",
      "line"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "run_id"
        ],
        "references": "import_runs"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "import_runs": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "format": {
        "type": "text",
        "nullable": false
      },
      "started_by": {
        "type": "uuid",
        "nullable": true
      },
      "started_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "rows_read": {
        "type": "bigint",
        "nullable": false
      },
      "rows_written": {
        "type": "bigint",
        "nullable": false
      },
      "rows_rejected": {
        "type": "bigint",
        "nullable": false
      },
      "started_by_credential": {
        "type": "uuid",
        "nullable": true
      },
      "file_name": {
        "type": "text",
        "nullable": true
      },
      "error_code": {
        "type": "text",
        "nullable": true
      },
      "counts": {
        "type": "jsonb",
        "nullable": true
      },
      "sealed_key": {
        "type": "bytea",
        "nullable": true
      },
      "file_size": {
        "type": "bigint",
        "nullable": false
      },
      "file_expires_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "file_gone_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "file_gone_because": {
        "type": "text",
        "nullable": true
      },
      "words": {
        "type": "bytea",
        "nullable": true
      },
      "erased_words": {
        "type": "bigint[]",
        "nullable": false
      },
      "connector_id": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "started_by"
        ],
        "references": "users"
      }
    ]
  },
  "issued_certificates": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": true
      },
      "training_plan_id": {
        "type": "uuid",
        "nullable": true
      },
      "number": {
        "type": "text",
        "nullable": true
      },
      "issued_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "issued_by": {
        "type": "uuid",
        "nullable": true
      },
      "issued_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      },
      {
        "columns": [
          "tenant_id",
          "issued_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "training_plan_id"
        ],
        "references": "training_plans"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "legal_hold_groups": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "hold_id": {
        "type": "uuid",
        "nullable": false
      },
      "group_id": {
        "type": "uuid",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "hold_id",
      "group_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "group_id"
        ],
        "references": "directory_groups"
      },
      {
        "columns": [
          "tenant_id",
          "hold_id"
        ],
        "references": "legal_holds"
      }
    ]
  },
  "legal_hold_users": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "hold_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "hold_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "hold_id"
        ],
        "references": "legal_holds"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "legal_holds": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "reason_code": {
        "type": "text",
        "nullable": false
      },
      "note": {
        "type": "text",
        "nullable": true
      },
      "owner_id": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "created_by": {
        "type": "uuid",
        "nullable": true
      },
      "created_by_credential": {
        "type": "uuid",
        "nullable": true
      },
      "released_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "released_by": {
        "type": "uuid",
        "nullable": true
      },
      "released_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "created_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "owner_id"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "released_by"
        ],
        "references": "users"
      }
    ]
  },
  "lethe_migrations": {
    "columns": {
      "name": {
        "type": "text",
        "nullable": false
      },
      "digest": {
        "type": "text",
        "nullable": false
      },
      "applied_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "name"
    ],
    "foreignKeys": []
  },
  "log_marks": {
    "columns": {
      "rewritten_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "segment": {
        "type": "bigint",
        "nullable": false
      },
      "last_segment": {
        "type": "bigint",
        "nullable": true
      },
      "passed_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "rewritten_at"
    ],
    "foreignKeys": []
  },
  "modules": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "week_from": {
        "type": "integer",
        "nullable": true
      },
      "week_to": {
        "type": "integer",
        "nullable": true
      },
      "external_key": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      }
    ]
  },
  "notifications": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "subject": {
        "type": "text",
        "nullable": false
      },
      "body": {
        "type": "text",
        "nullable": false
      },
      "data": {
        "type": "jsonb",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "read_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "email_state": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "oauth_clients": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "secret_hash": {
        "type": "bytea",
        "nullable": false
      },
      "scopes": {
        "type": "text[]",
        "nullable": false
      },
      "owner_id": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "revoked_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "last_used_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "owner_id"
        ],
        "references": "users"
      }
    ]
  },
  "operator_sessions": {
    "columns": {
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "operator_id": {
        "type": "uuid",
        "nullable": false
      },
      "token_hash": {
        "type": "bytea",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "last_used_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "operator_id"
        ],
        "references": "operators"
      }
    ]
  },
  "operator_sign_in_failures": {
    "columns": {
      "login_hash": {
        "type": "bytea",
        "nullable": false
      },
      "failures": {
        "type": "integer",
        "nullable": false
      },
      "last_failed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "locked_until": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "login_hash"
    ],
    "foreignKeys": []
  },
  "operators": {
    "columns": {
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "hash": {
        "type": "text",
        "nullable": false
      },
      "changed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": []
  },
  "passwords": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "hash": {
        "type": "text",
        "nullable": false
      },
      "changed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "person_keys": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "sealed_key": {
        "type": "bytea",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "posts": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "parent_id": {
        "type": "uuid",
        "nullable": true
      },
      "author_id": {
        "type": "uuid",
        "nullable": true
      },
      "body": {
        "type": "text",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "edited_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "author_id"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      },
      {
        "columns": [
          "tenant_id",
          "parent_id"
        ],
        "references": "posts"
      }
    ]
  },
  "product_accounts": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "product": {
        "type": "text",
        "nullable": false
      },
      "deletion_id": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "product"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "progress": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "module_id": {
        "type": "uuid",
        "nullable": false
      },
      "percent": {
        "type": "integer",
        "nullable": false
      },
      "started_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "completed_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "module_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "module_id"
        ],
        "references": "modules"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "ratings": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "stars": {
        "type": "integer",
        "nullable": false
      },
      "comment": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "course_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "reach_matches": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "source_tenant_id": {
        "type": "uuid",
        "nullable": true
      },
      "source_request_id": {
        "type": "uuid",
        "nullable": true
      },
      "provider_id": {
        "type": "uuid",
        "nullable": true
      },
      "reach_id": {
        "type": "uuid",
        "nullable": false
      },
      "what": {
        "type": "text",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": true
      },
      "sealed_address": {
        "type": "bytea",
        "nullable": true
      },
      "confirmed": {
        "type": "boolean",
        "nullable": false
      },
      "decider": {
        "type": "text",
        "nullable": false
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": true
      },
      "reason": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "decided_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "decided_by": {
        "type": "uuid",
        "nullable": true
      },
      "decided_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "decided_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "reappearances": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "group_id": {
        "type": "uuid",
        "nullable": true
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "reappeared_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "import_run_id": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "import_run_id"
        ],
        "references": "import_runs"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "received_events": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id_hash": {
        "type": "bytea",
        "nullable": false
      },
      "fingerprint": {
        "type": "bytea",
        "nullable": false
      },
      "outcome": {
        "type": "text",
        "nullable": true
      },
      "reason": {
        "type": "text",
        "nullable": true
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id_hash"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "record_actions": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "bigint",
        "nullable": false,
        "generated": "identity"
      },
      "module_id": {
        "type": "uuid",
        "nullable": false
      },
      "happened_on": {
        "type": "date",
        "nullable": false
      },
      "clicks": {
        "type": "integer",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "user_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "module_id"
        ],
        "references": "modules"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "retention_excluded_groups": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "policy_id": {
        "type": "uuid",
        "nullable": false
      },
      "group_id": {
        "type": "uuid",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "policy_id",
      "group_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "group_id"
        ],
        "references": "directory_groups"
      },
      {
        "columns": [
          "tenant_id",
          "policy_id"
        ],
        "references": "retention_policies"
      }
    ]
  },
  "retention_policies": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "days": {
        "type": "integer",
        "nullable": false
      },
      "daily_at": {
        "type": "time without time zone",
        "nullable": false
      },
      "enabled": {
        "type": "boolean",
        "nullable": false
      },
      "owner_id": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "changed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "owner_id"
        ],
        "references": "users"
      }
    ]
  },
  "retention_runs": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "policy_id": {
        "type": "uuid",
        "nullable": false
      },
      "scheduled_on": {
        "type": "date",
        "nullable": true
      },
      "started_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "finished_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "deleted_before": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "found": {
        "type": "integer",
        "nullable": false
      },
      "excluded": {
        "type": "integer",
        "nullable": false
      },
      "pending": {
        "type": "integer",
        "nullable": false
      },
      "requested": {
        "type": "integer",
        "nullable": false
      },
      "held": {
        "type": "integer",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "request_id"
        ],
        "references": "erasure_requests"
      }
    ]
  },
  "sealed_words": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "word": {
        "type": "bigint",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "word",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "session_instructors": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "session_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "added_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "session_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "session_id"
        ],
        "references": "sessions"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "sessions": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "starts_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "ends_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "location": {
        "type": "text",
        "nullable": true
      },
      "contact_emails": {
        "type": "text[]",
        "nullable": false
      },
      "external_key": {
        "type": "text",
        "nullable": true
      },
      "deleted_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      }
    ]
  },
  "sign_in_failures": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "login_hash": {
        "type": "bytea",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": true
      },
      "failures": {
        "type": "integer",
        "nullable": false
      },
      "last_failed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "locked_until": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "login_hash"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "sign_in_sessions": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "token_hash": {
        "type": "bytea",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "last_used_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "expires_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "signing_keys": {
    "columns": {
      "kid": {
        "type": "text",
        "nullable": false
      },
      "public_jwk": {
        "type": "jsonb",
        "nullable": false
      },
      "sealed_private_key": {
        "type": "bytea",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "retired_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "purpose": {
        "type": "text",
        "nullable": false
      }
    },
    "primaryKey": [
      "kid"
    ],
    "foreignKeys": []
  },
  "skill_levels": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "scale_set_id": {
        "type": "uuid",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "value": {
        "type": "integer",
        "nullable": false
      },
      "description": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "scale_set_id"
        ],
        "references": "skill_scale_sets"
      }
    ]
  },
  "skill_scale_sets": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "catalog_id": {
        "type": "uuid",
        "nullable": true
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "is_default": {
        "type": "boolean",
        "nullable": false
      },
      "external_key": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "catalog_id"
        ],
        "references": "catalogs"
      },
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "skills": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "catalog_id": {
        "type": "uuid",
        "nullable": true
      },
      "scale_set_id": {
        "type": "uuid",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "description": {
        "type": "text",
        "nullable": true
      },
      "external_key": {
        "type": "text",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "catalog_id"
        ],
        "references": "catalogs"
      },
      {
        "columns": [
          "tenant_id",
          "scale_set_id"
        ],
        "references": "skill_scale_sets"
      }
    ]
  },
  "submission_file_chunks": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "file_id": {
        "type": "uuid",
        "nullable": false
      },
      "position": {
        "type": "integer",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "content": {
        "type": "bytea",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "file_id",
      "position"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "file_id"
        ],
        "references": "submission_files"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "submission_files": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "submission_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "media_type": {
        "type": "text",
        "nullable": false
      },
      "size": {
        "type": "bigint",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "submission_id"
        ],
        "references": "submissions"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "submissions": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "assessment_id": {
        "type": "uuid",
        "nullable": false
      },
      "comment": {
        "type": "text",
        "nullable": true
      },
      "feedback": {
        "type": "text",
        "nullable": true
      },
      "graded_by": {
        "type": "uuid",
        "nullable": true
      },
      "submitted_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "assessment_id"
        ],
        "references": "assessments"
      },
      {
        "columns": [
          "tenant_id",
          "graded_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "system_accounts": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": []
  },
  "table_rewrites": {
    "columns": {
      "table_name": {
        "type": "text",
        "nullable": false
      },
      "began_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "ended_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "size_before": {
        "type": "bigint",
        "nullable": false
      },
      "size_after": {
        "type": "bigint",
        "nullable": false
      }
    },
    "primaryKey": [
      "table_name"
    ],
    "foreignKeys": []
  },
  "tenant_deletions": {
    "columns": {
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "deleted_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "kid": {
        "type": "text",
        "nullable": false
      },
      "jws": {
        "type": "text",
        "nullable": false
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "kid"
        ],
        "references": "signing_keys"
      }
    ]
  },
  "tenant_keys": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "purpose": {
        "type": "text",
        "nullable": false
      },
      "sealed_key": {
        "type": "bytea",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "purpose"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "tenants": {
    "columns": {
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "created_by": {
        "type": "uuid",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "surviving_fields": {
        "type": "text[]",
        "nullable": false
      },
      "singled_out_below": {
        "type": "integer",
        "nullable": false
      },
      "returning_members": {
        "type": "text",
        "nullable": false
      },
      "approval_required": {
        "type": "boolean",
        "nullable": false
      },
      "cooling_off_hours": {
        "type": "integer",
        "nullable": false
      },
      "erasure_due_days": {
        "type": "integer",
        "nullable": false
      },
      "administrators_gone_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "returning_rows": {
        "type": "text",
        "nullable": false
      }
    },
    "primaryKey": [
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "id",
          "created_by"
        ],
        "references": "users"
      }
    ]
  },
  "tombstones": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "hash": {
        "type": "bytea",
        "nullable": false
      },
      "request_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "fold_version": {
        "type": "smallint",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "kind",
      "hash",
      "user_id",
      "request_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "training_plan_authors": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "training_plan_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "added_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "training_plan_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "training_plan_id"
        ],
        "references": "training_plans"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "training_plan_courses": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "training_plan_id": {
        "type": "uuid",
        "nullable": false
      },
      "course_id": {
        "type": "uuid",
        "nullable": false
      },
      "position": {
        "type": "integer",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "training_plan_id",
      "course_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "course_id"
        ],
        "references": "courses"
      },
      {
        "columns": [
          "tenant_id",
          "training_plan_id"
        ],
        "references": "training_plans"
      }
    ]
  },
  "training_plans": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "catalog_id": {
        "type": "uuid",
        "nullable": false
      },
      "title": {
        "type": "text",
        "nullable": false
      },
      "description": {
        "type": "text",
        "nullable": true
      },
      "contact_emails": {
        "type": "text[]",
        "nullable": false
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "deleted_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "catalog_id"
        ],
        "references": "catalogs"
      }
    ]
  },
  "user_skills": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "skill_id": {
        "type": "uuid",
        "nullable": false
      },
      "level_id": {
        "type": "uuid",
        "nullable": false
      },
      "awarded_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "awarded_by": {
        "type": "uuid",
        "nullable": true
      },
      "revoked_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "revoked_by": {
        "type": "uuid",
        "nullable": true
      },
      "revoke_reason": {
        "type": "text",
        "nullable": true
      },
      "awarded_by_credential": {
        "type": "uuid",
        "nullable": true
      },
      "revoked_by_credential": {
        "type": "uuid",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "awarded_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "level_id"
        ],
        "references": "skill_levels"
      },
      {
        "columns": [
          "tenant_id",
          "revoked_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id",
          "skill_id"
        ],
        "references": "skills"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "users": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "login_name": {
        "type": "text",
        "nullable": true
      },
      "directory_object_id": {
        "type": "uuid",
        "nullable": true
      },
      "ref": {
        "type": "text",
        "nullable": true
      },
      "email": {
        "type": "text",
        "nullable": true
      },
      "email_verified": {
        "type": "boolean",
        "nullable": false
      },
      "external_identity_id": {
        "type": "text",
        "nullable": true
      },
      "first_name": {
        "type": "text",
        "nullable": true
      },
      "last_name": {
        "type": "text",
        "nullable": true
      },
      "display_name": {
        "type": "text",
        "nullable": true
      },
      "title": {
        "type": "text",
        "nullable": true
      },
      "job_title": {
        "type": "text",
        "nullable": true
      },
      "department": {
        "type": "text",
        "nullable": true
      },
      "office": {
        "type": "text",
        "nullable": true
      },
      "city": {
        "type": "text",
        "nullable": true
      },
      "country": {
        "type": "text",
        "nullable": true
      },
      "locale": {
        "type": "text",
        "nullable": true
      },
      "time_zone": {
        "type": "text",
        "nullable": true
      },
      "manager_id": {
        "type": "uuid",
        "nullable": true
      },
      "custom_fields": {
        "type": "jsonb",
        "nullable": false
      },
      "roles": {
        "type": "text[]",
        "nullable": false
      },
      "former_roles": {
        "type": "text[]",
        "nullable": false
      },
      "deletion_id": {
        "type": "uuid",
        "nullable": true
      },
      "deleted_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "deleted_by": {
        "type": "uuid",
        "nullable": true
      },
      "suspended_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "anonymized_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "updated_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "login_key": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "email_key": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "ref_key": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "external_identity_key": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "login_similar": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "email_similar": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "ref_similar": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "external_identity_similar": {
        "type": "text",
        "nullable": true,
        "generated": "stored"
      },
      "last_seen_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "deleted_by_credential": {
        "type": "uuid",
        "nullable": true
      },
      "starts_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "ends_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "next_change_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "event_times": {
        "type": "jsonb",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "deleted_by"
        ],
        "references": "users"
      },
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      },
      {
        "columns": [
          "tenant_id",
          "manager_id"
        ],
        "references": "users"
      }
    ]
  },
  "webhook_deliveries": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "endpoint_id": {
        "type": "uuid",
        "nullable": false
      },
      "event_id": {
        "type": "uuid",
        "nullable": false
      },
      "kind": {
        "type": "text",
        "nullable": false
      },
      "occurred_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": true
      },
      "erased_user_id": {
        "type": "uuid",
        "nullable": true
      },
      "request_id": {
        "type": "uuid",
        "nullable": true
      },
      "object_id": {
        "type": "uuid",
        "nullable": true
      },
      "sealed_reference": {
        "type": "bytea",
        "nullable": true
      },
      "state": {
        "type": "text",
        "nullable": false
      },
      "attempts": {
        "type": "integer",
        "nullable": false
      },
      "due_at": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "give_up_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "attempt_log": {
        "type": "jsonb",
        "nullable": false
      },
      "ended_at": {
        "type": "timestamp with time zone",
        "nullable": true
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "endpoint_id"
        ],
        "references": "webhook_endpoints"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  },
  "webhook_endpoints": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "id": {
        "type": "uuid",
        "nullable": false
      },
      "name": {
        "type": "text",
        "nullable": false
      },
      "event_kinds": {
        "type": "text[]",
        "nullable": false
      },
      "sealed_url": {
        "type": "bytea",
        "nullable": true
      },
      "sealed_secret": {
        "type": "bytea",
        "nullable": false
      },
      "sealed_previous_secret": {
        "type": "bytea",
        "nullable": true
      },
      "previous_secret_until": {
        "type": "timestamp with time zone",
        "nullable": true
      },
      "thrive_signature": {
        "type": "boolean",
        "nullable": false
      },
      "credential_id": {
        "type": "uuid",
        "nullable": true
      },
      "enabled": {
        "type": "boolean",
        "nullable": false
      },
      "disabled_because": {
        "type": "text",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      },
      "changed_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id"
        ],
        "references": "tenants"
      }
    ]
  },
  "webhook_references": {
    "columns": {
      "tenant_id": {
        "type": "uuid",
        "nullable": false
      },
      "endpoint_id": {
        "type": "uuid",
        "nullable": false
      },
      "user_id": {
        "type": "uuid",
        "nullable": false
      },
      "sealed_reference": {
        "type": "bytea",
        "nullable": true
      },
      "created_at": {
        "type": "timestamp with time zone",
        "nullable": false
      }
    },
    "primaryKey": [
      "tenant_id",
      "endpoint_id",
      "user_id"
    ],
    "foreignKeys": [
      {
        "columns": [
          "tenant_id",
          "endpoint_id"
        ],
        "references": "webhook_endpoints"
      },
      {
        "columns": [
          "tenant_id",
          "user_id"
        ],
        "references": "users"
      }
    ]
  }
}
