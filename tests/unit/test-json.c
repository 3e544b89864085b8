/* SPDX-License-Identifier: MIT */
#include "ctl/json.h"

#include <math.h>
#include <string.h>

#include "lib/base/result.h"
#include "tests/kit/unit.h"

static char *json_of(Value *value) {
        _cleanup_(value_freep) Value *owned = value;
        Text text = {};

        json_append(&text, owned);
        return text_take(&text);
}

#define assert_json(value, expected) do { \
                _cleanup_(freep) char *_json = json_of(value); \
                assert_string_equal(_json, (expected)); \
        } while (false)

static void every_kind_of_value_has_its_json(void **state) {
        (void) state;

        assert_json(NULL, "null");
        assert_json(value_new_boolean(true), "true");
        assert_json(value_new_integer(VALUE_INT64, INT64_MIN), "-9223372036854775808");
        assert_json(value_new_natural(VALUE_UINT64, UINT64_MAX), "18446744073709551615");
        assert_json(value_new_double(0.5), "0.5");
        assert_json(value_new_double(INFINITY), "null");
        assert_json(value_new_double(NAN), "null");
        assert_json(value_new_string("a\"b\\c\n\x1b\xff"), "\"a\\\"b\\\\c\\u000a\\u001b\\ufffd\"");
        assert_json(value_new_list(), "[]");
        assert_json(value_new_dictionary(), "{}");
        assert_json(value_new_strings((char *[]) { (char *) "a", (char *) "b", NULL }), "[\"a\",\"b\"]");
}

static void times_are_known_by_their_names(void **state) {
        Value *task = value_new_dictionary();

        (void) state;

        assert_int_equal(value_set(task, "StartTime", value_new_natural(VALUE_UINT64, 1795370400123456)), 0);
        assert_int_equal(value_set(task, "RunTime", value_new_natural(VALUE_UINT64, 1000000)), 0);
        assert_json(task, "{\"StartTime\":\"2026-11-22T18:00:00.123456Z\",\"RunTime\":1000000}");
}

static void a_parameter_called_like_a_time_is_none(void **state) {
        Value *parameters = value_new_dictionary();

        (void) state;

        assert_int_equal(value_set(parameters, "StartTime", value_new_string("5")), 0);
        assert_json(parameters, "{\"StartTime\":\"5\"}");
}

static void trouble_is_a_document(void **state) {
        Trouble trouble = {};
        _cleanup_(freep) char *json = NULL;
        Text text = {};

        (void) state;

        (void) trouble_refused(&trouble, "org.bgt1.Error.NoSuchTask", "There is no task \"7\".");
        json_append_trouble(&text, &trouble);
        json = text_take(&text);
        assert_string_equal(json, "{\"error\":{\"name\":\"org.bgt1.Error.NoSuchTask\",\"message\":\"There is no task \\\"7\\\".\"}}\n");
        assert_int_equal(trouble.exit_status, 3);
}

/* P-1 */
static void parameters_are_the_members_of_an_object(void **state) {
        static const char document[] = "{\"database\": \"/srv/a b\", \"n\": -5, \"all\": true, \"none\": false, \"text\": \"a\\nß\"}";
        _cleanup_(value_freep) Value *parameters = value_new_dictionary();
        Trouble trouble = {};

        (void) state;

        assert_int_equal(json_read_parameters(document, strlen(document), "x.json", parameters, &trouble), 0);
        assert_int_equal(parameters->n_items, 5);
        assert_string_equal(value_get_string(parameters, "database"), "/srv/a b");
        assert_string_equal(value_get_string(parameters, "n"), "-5");
        assert_string_equal(value_get_string(parameters, "all"), "true");
        assert_string_equal(value_get_string(parameters, "none"), "false");
        assert_string_equal(value_get_string(parameters, "text"), "a\nß");
}

static void what_is_no_object_of_texts_is_refused(void **state) {
        static const char *const wrong[] = {
                "", "{", "[]", "\"x\"", "7", "{\"a\":null}", "{\"a\":[]}", "{\"a\":{}}", "{\"a\":1.5}", "{\"a\":\"1\",\"a\":\"2\"}",
                "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}", "{} x", "{\"a\":99999999999999999999}", "{\"a\\u0000b\":\"1\"}",
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                _cleanup_(value_freep) Value *parameters = value_new_dictionary();
                Trouble trouble = {};

                assert_int_equal(json_read_parameters(wrong[i], strlen(wrong[i]), "x.json", parameters, &trouble), -EINVAL);
                assert_int_equal(trouble.exit_status, EXIT_INVALID);
                assert_non_null(strstr(trouble.sentence, "x.json"));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_kind_of_value_has_its_json),
                cmocka_unit_test(times_are_known_by_their_names),
                cmocka_unit_test(a_parameter_called_like_a_time_is_none),
                cmocka_unit_test(trouble_is_a_document),
                cmocka_unit_test(parameters_are_the_members_of_an_object),
                cmocka_unit_test(what_is_no_object_of_texts_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
