/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * UTF-8
 *
 * The bus carries nothing else: a message with other bytes is thrown away by
 * whoever receives it. File names and what tasks say of themselves may hold any.
 */

/*
 * @string itself if it is UTF-8; else a copy with U+FFFD for each byte that is
 * part of no character, which is left in *@storage, the caller's. NULL: out of
 * memory.
 */
const char *utf8_or_made(const char *string, char **storage);
