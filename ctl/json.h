/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * JSON
 *
 * Out: answers of the bus as documents on one line. In: the parameters of a
 * start.
 */

#include "ctl/trouble.h"
#include "ctl/value.h"
#include "lib/base/text.h"

/* NULL is null. */
void json_append(Text *text, const Value *value);

/* The value of @key; what is a time by that name is written as RFC 3339 with microseconds. */
void json_append_named(Text *text, const char *key, const Value *value);
/* "key":value */
void json_append_member(Text *text, const char *key, const Value *value);

/* {"error":{"name":...,"message":...}} and a newline. */
void json_append_trouble(Text *text, const Trouble *trouble);

/*
 * Adds each member of the object in @document to the dictionary @parameters.
 * Members are strings, or whole numbers and truth values, which become their
 * text. @source names where it came from.
 */
int json_read_parameters(const char *document, size_t size, const char *source, Value *parameters, Trouble *trouble);
