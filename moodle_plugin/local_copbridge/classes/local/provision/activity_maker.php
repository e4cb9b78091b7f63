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

namespace local_copbridge\local\provision;

use local_copbridge\local\hours;

defined('MOODLE_INTERNAL') || die();

global $CFG;
require_once($CFG->dirroot . '/course/modlib.php');
require_once($CFG->libdir . '/gradelib.php');

/**
 * Makes activities from descriptions, through Moodle's own add_moduleinfo(); one that is there already is left alone.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class activity_maker {
    /**
     * For one course.
     *
     * @param \stdClass $course
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course
    ) {
    }

    /**
     * Makes one activity, wholly or not at all.
     *
     * @param array $wanted the description
     * @return array idnumber, cmid, outcome, code, reason
     */
    public function make(array $wanted): array {
        $answer = ['idnumber' => $wanted['idnumber'], 'cmid' => 0, 'outcome' => 'there', 'code' => '', 'reason' => ''];
        try {
            description::check($wanted);
            $answer['cmid'] = $this->find($wanted['idnumber']);
            if ($answer['cmid']) {
                return $answer;
            }
            // What can be refused is refused before anything is written.
            $fields = $this->completion($wanted['modname'], $wanted) + $this->fields($wanted);
            $answer['cmid'] = work::whole((int) $this->course->id, fn(): int => $this->create($wanted, $fields));
            $answer['outcome'] = 'created';
        } catch (\Throwable $error) {
            $answer = ['outcome' => 'failed', 'code' => problem::code($error), 'reason' => $error->getMessage()] + $answer;
        }
        return $answer;
    }

    /**
     * The activity of the course that has an ID number.
     *
     * @param string $idnumber
     * @return int its cmid; 0: there is none
     */
    private function find(string $idnumber): int {
        global $DB;
        $key = ['course' => $this->course->id, 'idnumber' => $idnumber, 'deletioninprogress' => 0];
        $found = $DB->get_records('course_modules', $key, 'id', 'id', 0, 1);
        return $found ? (int) array_key_first($found) : 0;
    }

    /**
     * Creates the activity.
     *
     * @param array $wanted
     * @param array $fields those that every activity has
     * @return int its cmid
     */
    private function create(array $wanted, array $fields): int {
        global $DB;
        $settings = $wanted['settings'] ?? [];
        $section = (new sections($this->course))->regular($wanted['section']);
        $fields += kinds::fields($wanted['modname'], $settings);
        $fields += ['section' => (int) $section->section, 'visible' => (int) ($wanted['visible'] && $section->visible)];
        $made = add_moduleinfo((object) $fields, $this->course);
        $cmid = (int) $made->coursemodule;
        if ($wanted['visible'] && !$section->visible) {
            // Hidden with its section, and seen again with it.
            $DB->set_field('course_modules', 'visibleold', 1, ['id' => $cmid]);
        }
        kinds::finish($wanted['modname'], (int) $made->instance, $made->name, $settings);
        if (isset($wanted['minutes'])) {
            self::set_hours($cmid, $wanted['minutes'], $wanted['component'] ?? '');
        }
        return $cmid;
    }

    /**
     * The fields that every activity has.
     *
     * @param array $wanted
     * @return array
     */
    private function fields(array $wanted): array {
        global $DB;
        $modname = $wanted['modname'];
        $module = $DB->get_record('modules', ['name' => $modname]);
        if (!$module || !$module->visible) {
            throw new problem('kindoff', $modname);
        }
        if (!grade_verify_idnumber($wanted['idnumber'], $this->course->id)) {
            throw new problem('idnumbertaken', $wanted['idnumber']);
        }
        if (isset($wanted['minutes']) && !hours::valid($wanted['minutes'], $wanted['component'] ?? '')) {
            throw new problem('minutes', hours::MAX_MINUTES);
        }
        return [
            'modulename' => $modname,
            'module' => $module->id,
            'add' => $modname,
            'name' => description::name($wanted['name']),
            'intro' => $wanted['intro'],
            'introformat' => FORMAT_HTML,
            'cmidnumber' => $wanted['idnumber'],
            'visibleoncoursepage' => 1,
            'groupmode' => (int) $this->course->groupmode,
            'groupingid' => (int) $this->course->defaultgroupingid,
            'completionunlocked' => 1,
        ];
    }

    /**
     * The fields of the completion rules; an activity without a description of them isn't tracked.
     *
     * @param string $modname
     * @param array $wanted
     * @return array
     */
    private function completion(string $modname, array $wanted): array {
        $rules = $wanted['completion'] ?? ['tracking' => 'none'];
        if ($rules['tracking'] !== 'none' && !(new \completion_info($this->course))->is_enabled()) {
            throw new problem('completionoff');
        }
        $graded = in_array($modname, kinds::GRADED, true);
        $rules = completion_rules::of($modname, $rules, $graded, ($wanted['settings']['gradepass'] ?? 0) > 0);
        // A grade item left null has to be left out: modlib.php would read it as a rule without a grade, and so drop it itself.
        $fields = array_filter($rules->cm, fn(mixed $value): bool => $value !== null) + $rules->instance;
        if (!empty($fields['completionminattempts'])) {
            $fields['completionminattemptsenabled'] = 1;
        }
        $fields['completionusegrade'] = (int) isset($fields['completiongradeitemnumber']);
        return $fields;
    }

    /**
     * Declares the hours of an activity.
     *
     * @param int $cmid
     * @param int|null $minutes null: none any more
     * @param string $component
     */
    public static function set_hours(int $cmid, ?int $minutes, string $component): void {
        global $USER;
        if ($minutes !== null && !hours::valid($minutes, $component)) {
            throw new problem('minutes', hours::MAX_MINUTES);
        }
        hours::set($cmid, $minutes, $component, (int) $USER->id);
    }
}
