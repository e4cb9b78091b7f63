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

use core_courseformat\base as course_format;
use course_modinfo;
use stdClass;

/**
 * Names of sections: their own, else what the course's format calls them.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class section_names {
    /**
     * The names of the sections that some activities are in.
     *
     * @param stdClass[] $rows with course, section (its number) and sectionname, by course module id
     * @return string[] by course module id
     */
    public static function of(array $rows): array {
        $names = [];
        $nameless = [];
        foreach ($rows as $cmid => $row) {
            $names[$cmid] = (string) $row->sectionname;
            if ($names[$cmid] === '' && $row->section !== null) {
                $nameless[$row->course][$row->section][] = $cmid;
            }
        }
        foreach ($nameless as $courseid => $sections) {
            foreach (self::by_format($courseid, array_keys($sections)) as $number => $name) {
                $names = array_fill_keys($sections[$number], $name) + $names;
            }
        }
        return $names;
    }

    /**
     * What a course's format calls some sections, in the site's language and time zone, whoever asks.
     *
     * @param int $courseid
     * @param int[] $numbers
     * @return string[] by number
     */
    private static function by_format(int $courseid, array $numbers): array {
        global $CFG, $DB, $USER;
        require_once($CFG->dirroot . '/course/lib.php');
        if (!$DB->record_exists('course', ['id' => $courseid])) {
            return [];
        }
        // A process that lives long (cron) may hold the course as it was before the section was made.
        course_format::reset_course_cache($courseid);
        course_modinfo::clear_instance_cache($courseid);
        $language = force_current_language($CFG->lang);
        $timezone = $USER->timezone ?? null;
        $USER->timezone = '99';
        try {
            $names = [];
            foreach ($numbers as $number) {
                $names[$number] = html_entity_decode((string) get_section_name($courseid, $number), ENT_QUOTES | ENT_HTML5);
            }
            return $names;
        } finally {
            force_current_language($language);
            $USER->timezone = $timezone ?? '99';
        }
    }
}
