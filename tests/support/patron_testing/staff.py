"""Staff: departments, people and queues as the smallest definitions that rights and assignments can name.

Put before a world's own documents, after its workspace.
"""

from __future__ import annotations

from typing import Final

STAFF: Final = """
kind: object
name: department
label: Department
title: name
owner: none
fields: [{name: name, type: text}, {name: parent, type: lookup, to: department, tree: true}]
---
kind: object
name: user
label: User
title: name
owner: none
fields: [{name: name, type: text}, {name: email, type: email}, {name: department, type: lookup, to: department}]
---
kind: object
name: queue
label: Queue
title: name
owner: none
fields: [{name: name, type: text}, {name: members, type: lookup, to: user, many: true}]
---
"""
