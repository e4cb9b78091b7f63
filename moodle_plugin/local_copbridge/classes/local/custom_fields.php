<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

use stdClass;

/**
 * Custom fields of accounts and courses, as plain values by short name.
 *
 * Where nobody chose a value, Moodle shows the field's default, so it counts as the value. An empty value is left out,
 * and so is one that is longer than a text of the wire: half a value would be another value.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class custom_fields {
    /** @var int How many fields the wire takes. */
    private const MAX_FIELDS = 50;

    /**
     * Values of accounts.
     *
     * @param int[] $userids
     * @param string[] $shortnames
     * @return array[] values by short name, by user id
     */
    public static function of_users(array $userids, array $shortnames): array {
        global $DB;
        if (!$userids || !$shortnames) {
            return array_fill_keys($userids, []);
        }
        [$in, $params] = $DB->get_in_or_equal(array_slice($shortnames, 0, self::MAX_FIELDS));
        $fields = $DB->get_records_select('user_info_field', "shortname $in", $params, '', 'id, shortname, defaultdata');
        if (!$fields) {
            return array_fill_keys($userids, []);
        }
        $values = array_fill_keys($userids, array_map(fn(stdClass $field): string => (string) $field->defaultdata, $fields));
        [$inusers, $users] = $DB->get_in_or_equal($userids);
        [$infields, $ids] = $DB->get_in_or_equal(array_keys($fields));
        $rows = $DB->get_recordset_select(
            'user_info_data',
            "userid $inusers AND fieldid $infields",
            array_merge($users, $ids),
            '',
            'id, userid, fieldid, data'
        );
        foreach ($rows as $row) {
            $values[$row->userid][$row->fieldid] = (string) $row->data;
        }
        $rows->close();
        return self::by_shortname($values, $fields);
    }

    /**
     * Values of courses.
     *
     * @param int[] $courseids
     * @param string[] $shortnames
     * @return array[] values by short name, by course id
     */
    public static function of_courses(array $courseids, array $shortnames): array {
        global $DB;
        $fields = $courseids && $shortnames ? self::course_fields($shortnames) : [];
        if (!$fields) {
            return array_fill_keys($courseids, []);
        }
        $values = array_fill_keys($courseids, array_map(fn(stdClass $field): string => $field->default, $fields));
        [$incourses, $courses] = $DB->get_in_or_equal($courseids);
        [$infields, $ids] = $DB->get_in_or_equal(array_keys($fields));
        $rows = $DB->get_recordset_select(
            'customfield_data',
            "instanceid $incourses AND fieldid $infields",
            array_merge($courses, $ids),
            '',
            'id, instanceid, fieldid, value'
        );
        foreach ($rows as $row) {
            $options = $fields[$row->fieldid]->options;
            $value = (string) $row->value;
            $values[$row->instanceid][$row->fieldid] = $options === null ? $value : $options[(int) $value - 1] ?? '';
        }
        $rows->close();
        return self::by_shortname($values, $fields);
    }

    /**
     * Some custom fields of courses, with what each holds where nothing was chosen.
     *
     * @param string[] $shortnames
     * @return stdClass[] with shortname, default and options (null: not a choice), by id
     */
    private static function course_fields(array $shortnames): array {
        global $DB;
        [$in, $params] = $DB->get_in_or_equal(array_slice($shortnames, 0, self::MAX_FIELDS));
        $fields = $DB->get_records_sql("
            SELECT f.id, f.shortname, f.type, f.configdata
              FROM {customfield_field} f
              JOIN {customfield_category} k ON k.id = f.categoryid
             WHERE k.component = 'core_course' AND k.area = 'course' AND f.shortname $in", $params);
        foreach ($fields as $field) {
            $config = json_decode((string) $field->configdata, true) ?: [];
            $field->default = (string) ($config[$field->type === 'checkbox' ? 'checkbydefault' : 'defaultvalue'] ?? '');
            $field->options = null;
            if ($field->type === 'select') {
                $field->options = preg_split('/\s*\n\s*/', trim($config['options'] ?? ''), -1, PREG_SPLIT_NO_EMPTY);
            }
        }
        return $fields;
    }

    /**
     * The values that can be told, by short name.
     *
     * @param array[] $values values by field id, by the id of what has them
     * @param stdClass[] $fields with shortname, by id
     * @return array[]
     */
    private static function by_shortname(array $values, array $fields): array {
        $told = [];
        foreach ($values as $id => $own) {
            $told[$id] = [];
            foreach ($own as $fieldid => $value) {
                if (self::fits($value)) {
                    $told[$id][$fields[$fieldid]->shortname] = $value;
                }
            }
        }
        return $told;
    }

    /**
     * Whether a value is there and no longer than a text of the wire.
     *
     * @param string $value
     * @return bool
     */
    private static function fits(string $value): bool {
        return $value !== '' && $value === plain::text($value);
    }
}
