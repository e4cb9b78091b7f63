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

use core_courseformat\formatactions;
use local_copbridge\local\hours;

defined('MOODLE_INTERNAL') || die();

global $CFG;
require_once($CFG->dirroot . '/course/lib.php');
require_once($CFG->libdir . '/gradelib.php');

/**
 * Changes activities that are there: only what is named, and only where it differs.
 *
 * The activity's own update function is not called: it would want every field of its form, and would write them all.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class activity_changer {
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
     * Changes one activity, wholly or not at all.
     *
     * @param array $wanted
     * @return array cmid, outcome, code, reason
     */
    public function change(array $wanted): array {
        $answer = ['cmid' => $wanted['cmid'], 'outcome' => 'unchanged', 'code' => '', 'reason' => ''];
        try {
            $changed = work::whole((int) $this->course->id, fn(): bool => $this->apply($wanted));
            return ['outcome' => $changed ? 'changed' : 'unchanged'] + $answer;
        } catch (\Throwable $error) {
            $code = problem::code($error);
            $outcome = $code === 'locked' ? 'locked' : 'failed';
            return ['outcome' => $outcome, 'code' => $code, 'reason' => $error->getMessage()] + $answer;
        }
    }

    /**
     * Applies what is wanted.
     *
     * @param array $wanted
     * @return bool whether something was changed
     */
    private function apply(array $wanted): bool {
        $cm = get_coursemodule_from_id('', $wanted['cmid'], $this->course->id);
        if (!$cm || $cm->deletioninprogress) {
            throw new problem('noactivity', $wanted['cmid']);
        }
        $changed = [
            $this->idnumber($cm, $wanted['idnumber'] ?? null),
            $this->section($cm, $wanted['section'] ?? null),
            $this->visible($cm, $wanted['visible'] ?? null),
            $this->completion($cm, $wanted['completion'] ?? null, !empty($wanted['unlock'])),
        ];
        if (in_array(true, $changed, true)) {
            $now = get_coursemodule_from_id('', $cm->id, $this->course->id, true, MUST_EXIST);
            \core\event\course_module_updated::create_from_cm($now)->trigger();
        }
        // Both tell of themselves, each by its own event.
        $changed[] = $this->name($cm, $wanted['name'] ?? null);
        $changed[] = $this->hours($cm, $wanted['minutes'] ?? null, $wanted['component'] ?? null);
        return in_array(true, $changed, true);
    }

    /**
     * Sets the ID number, in the course and in the gradebook.
     *
     * @param \stdClass $cm
     * @param string|null $idnumber
     * @return bool whether it was changed
     */
    private function idnumber(\stdClass $cm, ?string $idnumber): bool {
        if ($idnumber === null || (string) $cm->idnumber === $idnumber) {
            return false;
        }
        description::check_idnumber($idnumber);
        if (!grade_verify_idnumber($idnumber, $this->course->id, null, $cm)) {
            throw new problem('idnumbertaken', $idnumber);
        }
        set_coursemodule_idnumber($cm->id, $idnumber);
        if ($item = $this->grade_item($cm)) {
            $item->idnumber = $idnumber;
            $item->update();
        }
        return true;
    }

    /**
     * The activity's main grade.
     *
     * @param \stdClass $cm
     * @return \grade_item|null
     */
    private function grade_item(\stdClass $cm): ?\grade_item {
        return \grade_item::fetch([
            'courseid' => $this->course->id, 'itemtype' => 'mod', 'itemmodule' => $cm->modname,
            'iteminstance' => $cm->instance, 'itemnumber' => 0,
        ]) ?: null;
    }

    /**
     * Moves it to the end of another section.
     *
     * @param \stdClass $cm
     * @param int|null $number
     * @return bool whether it was moved
     */
    private function section(\stdClass $cm, ?int $number): bool {
        global $DB;
        if ($number === null) {
            return false;
        }
        $section = (new sections($this->course))->regular($number);
        if ((int) $section->id === (int) $cm->section) {
            return false;
        }
        moveto_module($cm, $DB->get_record('course_sections', ['id' => $section->id], '*', MUST_EXIST));
        return true;
    }

    /**
     * Shows or hides it. In a hidden section, what it will be once the section is shown.
     *
     * @param \stdClass $cm
     * @param bool|null $visible
     * @return bool whether it was changed
     */
    private function visible(\stdClass $cm, ?bool $visible): bool {
        global $DB;
        if ($visible === null) {
            return false;
        }
        $now = $DB->get_record('course_modules', ['id' => $cm->id], 'section, visible, visibleold', MUST_EXIST);
        $shown = $DB->get_field('course_sections', 'visible', ['id' => $now->section]);
        if ((bool) ($shown ? $now->visible : $now->visibleold) === $visible) {
            return false;
        }
        if ($shown) {
            set_coursemodule_visible($cm->id, (int) $visible, (int) $cm->visibleoncoursepage);
        } else {
            $DB->set_field('course_modules', 'visibleold', (int) $visible, ['id' => $cm->id]);
        }
        return true;
    }

    /**
     * Sets the completion rules, unless what people have completed would be lost.
     *
     * @param \stdClass $cm
     * @param array|null $wanted
     * @param bool $unlock whether it may be lost
     * @return bool whether they were changed
     */
    private function completion(\stdClass $cm, ?array $wanted, bool $unlock): bool {
        global $DB;
        if ($wanted === null) {
            return false;
        }
        $item = $this->grade_item($cm);
        $rules = completion_rules::of($cm->modname, $wanted, (bool) $item, $item && $item->gradepass > 0);
        $row = $DB->get_record('course_modules', ['id' => $cm->id], '*', MUST_EXIST);
        $anew = $rules->differ($row, $DB->get_record($cm->modname, ['id' => $cm->instance], '*', MUST_EXIST));
        if (!$anew && !$rules->moves_date($row)) {
            return false;
        }
        if (!(new \completion_info($this->course))->is_enabled()) {
            throw new problem('completionoff');
        }
        $lost = $anew ? completion_rules::at_stake((int) $cm->id) : 0;
        if ($lost && !$unlock) {
            throw new problem('locked', $lost);
        }
        $row->modname = $cm->modname;
        $rules->write($this->course, $row, $anew);
        return true;
    }

    /**
     * Sets the name, everywhere where Moodle keeps it.
     *
     * @param \stdClass $cm
     * @param string|null $name
     * @return bool whether it was changed
     */
    private function name(\stdClass $cm, ?string $name): bool {
        if ($name === null || (string) $cm->name === description::name($name)) {
            return false;
        }
        return formatactions::cm($this->course)->rename((int) $cm->id, $name);
    }

    /**
     * Sets the declared hours.
     *
     * @param \stdClass $cm
     * @param int|null $minutes -1: none any more
     * @param string|null $component
     * @return bool whether they were changed
     */
    private function hours(\stdClass $cm, ?int $minutes, ?string $component): bool {
        if ($minutes === null && $component === null) {
            return false;
        }
        $now = hours::of((int) $cm->id);
        if ($minutes === null && !$now) {
            throw new problem('componentwithoutminutes');
        }
        $minutes ??= (int) $now->minutes;
        $component ??= $now->component ?? '';
        $same = $minutes === -1 ? !$now : $now && (int) $now->minutes === $minutes && $now->component === $component;
        if ($same) {
            return false;
        }
        activity_maker::set_hours((int) $cm->id, $minutes === -1 ? null : $minutes, $component);
        return true;
    }
}
