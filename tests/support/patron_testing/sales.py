"""A small sales world, with one of everything a save has to keep right."""

from __future__ import annotations

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [en, zh-CN]
---
kind: object
name: department
label: {en: Department, zh-CN: 部门}
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: code, type: text, label: Code, unique: true}
  - {name: parent, type: lookup, to: department, tree: true, label: Parent}
---
kind: object
name: user
label: {en: User, zh-CN: 用户}
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: email, type: email, label: E-mail, unique: true}
  - {name: department, type: lookup, to: department, label: Department}
  - {name: manager, type: lookup, to: user, tree: true, label: Manager, reverse: staff}
---
kind: object
name: account
label: {en: Account, zh-CN: 客户}
title: name
features: [void]
search: [name, phone]
fields:
  - {name: name, type: text, label: {en: Name, zh-CN: 名称}, required: true, max_length: 60}
  - {name: code, type: text, label: Code, unique: true}
  - {name: phone, type: phone, label: Phone}
  - {name: city, type: text, label: City}
  - {name: grade, type: select, label: Grade, default: b, options: [{name: a}, {name: b}, {name: c}]}
  - {name: tags, type: tags, label: Tags, options: [{name: vip}, {name: new}]}
  - {name: parent, type: lookup, to: account, tree: true, on_delete: clear, label: Parent, reverse: children}
  - {name: deals_count, type: rollup, of: deals, function: count, label: Deals}
  - {name: won_total, type: rollup, of: deals, function: sum, field: amount, where: "stage == 'won'", label: Won}
  - {name: biggest, type: rollup, of: deals, function: max, field: amount, label: Biggest}
  - {name: smallest, type: rollup, of: deals, function: min, field: amount, label: Smallest}
  - {name: average, type: rollup, of: deals, function: avg, field: amount, label: Average}
  - {name: stages, type: rollup, of: deals, function: count_distinct, field: stage, label: Stages}
  - {name: latest, type: rollup, of: deals, function: last, field: name, sort: [close_date], label: Latest}
  - {name: lines_total, type: rollup, of: deals, function: sum, field: lines_sum, label: Lines}
  - {name: family_deals, type: rollup, of: children, function: sum, field: deals_count, deep: true, label: Family deals}
  - {name: notes_count, type: rollup, of: notes, function: count, label: Notes}
  - {name: partner_deals, type: rollup, of: partner_deals_set, function: count, label: Partner deals}
  - {name: won_share, type: formula, expression: "won_total / deals_count", label: Share}
rules:
  - {name: few_deals, when: "deals_count > 50", level: error, message: {en: Too many deals}}
---
kind: object
name: contact
label: Contact
title: name
search: [name, account.name]
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: account, type: lookup, to: account, on_delete: cascade, label: Account}
  - {name: city, type: text, label: City}
---
kind: object
name: note
label: Note
title: text
fields:
  - {name: text, type: text, label: Text, required: true}
  - {name: about, type: lookup, to: [account, opportunity], on_delete: cascade, label: About, reverse: notes}
---
kind: object
name: product
label: Product
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: code, type: text, label: Code, unique: true}
  - {name: price, type: money, label: Price}
---
kind: object
name: tier
label: Price tier
title: product.name
owner: none
fields:
  - {name: product, type: lookup, to: product, required: true, label: Product}
  - {name: min_quantity, type: decimal, label: From, required: true}
  - {name: price, type: money, label: Price}
---
kind: object
name: opportunity
label: {en: Opportunity, zh-CN: 商机}
title: name
features: [void]
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: account, type: lookup, to: account, required: true, label: Account, reverse: deals, fill: {city: city}}
  - {name: contact, type: lookup, to: contact, where: "account == this.account", label: Contact, on_delete: clear}
  - {name: partners, type: lookup, to: account, many: true, label: Partners, reverse: partner_deals_set}
  - {name: city, type: text, label: City}
  - {name: stage, type: select, default: open, label: Stage, options: [{name: open}, {name: won}, {name: lost}]}
  - {name: lost_reason, type: text, required: "stage == 'lost'", label: Lost reason}
  - {name: amount, type: money, min: 0, label: Amount}
  - {name: probability, type: percent, default: 10, label: Probability}
  - {name: expected, type: formula, expression: "amount * probability / 100", label: Expected}
  - {name: close_date, type: date, label: Close date, default: "=TODAY() + 30"}
  - {name: locked, type: boolean, label: Locked, readonly: "stage == 'won'"}
  - {name: lines_sum, type: rollup, of: lines, function: sum, field: subtotal, label: Sum}
  - {name: lines_count, type: rollup, of: lines, function: count, label: Lines}
  - {name: double, type: formula, expression: "lines_sum * 2", label: Double}
unique: [{name: one_name, fields: [account, name], where: "stage != 'lost'"}]
rules:
  - {name: big, when: "amount > 1000000", level: warning, at: amount, message: {en: Really so much?}}
  - {name: dates, when: "close_date < DAY_OF(created_at)", level: error, at: close_date, message: {en: Too early}}
  - {name: no_cheap, when: "stage == 'won' and lines_count > 0 and lines_sum < 10", level: error, message: {en: Lines too cheap}}
---
kind: object
name: line
label: Line
title: product.name
fields:
  - {name: opportunity, type: master, to: opportunity, reverse: lines, label: Opportunity}
  - {name: product, type: lookup, to: product, required: true, label: Product}
  - {name: quantity, type: decimal, scale: 2, default: 1, label: Quantity}
  - {name: tier, type: lookup, to: tier, label: Tier, fill: {price: price}, find: {where: "product == this.product and min_quantity <= this.quantity", sort: [-min_quantity]}}
  - {name: price, type: money, label: Price}
  - {name: subtotal, type: formula, expression: "quantity * price", label: Subtotal}
---
kind: object
name: contract
label: Contract
title: number
fields:
  - {name: number, type: auto_number, pattern: "C-{YYYY}{MM}-{0000}", reset: month, label: Number}
  - {name: amount, type: money, required: true, label: Amount}
  - {name: paid, type: rollup, of: payments, function: sum, field: amount, label: Paid}
  - {name: open, type: formula, expression: "amount - paid", label: Open}
rules:
  - {name: not_overpaid, when: "paid > amount", level: error, at: amount, message: {en: More paid than agreed, zh-CN: 回款超过合同}}
---
kind: object
name: payment
label: Payment
title: number
fields:
  - {name: number, type: auto_number, pattern: "P-{000}", label: Number}
  - {name: contract, type: lookup, to: contract, required: true, on_delete: restrict, label: Contract}
  - {name: amount, type: money, min: 0, required: true, label: Amount}
---
kind: object
name: stock
label: Stock
title: product.name
owner: none
fields:
  - {name: product, type: lookup, to: product, required: true, label: Product}
  - {name: quantity, type: rollup, of: moves, function: sum, field: quantity, label: Quantity}
rules:
  - {name: not_negative, when: "quantity < 0", level: error, message: {en: Not enough in stock}}
unique: [{name: one_stock, fields: [product]}]
---
kind: object
name: move
label: Move
title: product.name
owner: none
fields:
  - {name: product, type: lookup, to: product, required: true, label: Product}
  - {name: quantity, type: decimal, required: true, label: Quantity}
  - {name: stock, type: lookup, to: stock, label: Stock, find: {where: "product == this.product", create: {product: "=product"}}}
"""
