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

/**
 * The participation hours in an activity's form.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class hours_form {
    /** @var \MoodleQuickForm|null the form of this request: Moodle gives it to elements() only */
    private static ?\MoodleQuickForm $form = null;

    /**
     * Whether the reader may declare hours in a course.
     *
     * @param int $courseid
     * @return bool
     */
    private static function allowed(int $courseid): bool {
        return scope::has_course($courseid)
            && has_capability('local/copbridge:sethours', \context_course::instance($courseid));
    }

    /**
     * Adds the section to the form.
     *
     * @param \moodleform_mod $wrapper
     * @param \MoodleQuickForm $form
     */
    public static function elements(\moodleform_mod $wrapper, \MoodleQuickForm $form): void {
        $courseid = (int) $wrapper->get_course()->id;
        if (!self::allowed($courseid)) {
            return;
        }
        self::$form = $form;
        $cm = $wrapper->get_coursemodule();
        $row = empty($cm->id) ? null : hours::of((int) $cm->id);
        $component = $row->component ?? '';
        $form->addElement('header', 'copbridge_header', get_string('sethours', 'local_copbridge'));
        // A text, not a float: that element shows a declared 0 as empty.
        $label = get_string('sethours_hours', 'local_copbridge');
        $form->addElement('text', 'copbridge_hours', $label, ['size' => 6, 'inputmode' => 'decimal']);
        $form->setType('copbridge_hours', PARAM_RAW_TRIMMED);
        $form->setDefault('copbridge_hours', hours_input::format($row ? (int) $row->minutes : null));
        $form->addHelpButton('copbridge_hours', 'sethours_hours', 'local_copbridge');
        $choices = hours_input::components(standings::course($courseid), $component);
        $label = get_string('sethours_component', 'local_copbridge');
        if ($choices === null) {
            $form->addElement('text', 'copbridge_component', $label, ['size' => 20, 'maxlength' => 40]);
        } else {
            // The form shows options and messages as they are, and the program's words are plain text.
            $form->addElement('select', 'copbridge_component', $label, array_map('s', $choices));
        }
        $form->setType('copbridge_component', PARAM_RAW_TRIMMED);
        $form->setDefault('copbridge_component', $component);
        $form->addHelpButton('copbridge_component', 'sethours_component', 'local_copbridge');
        $form->addElement('hidden', 'copbridge_seen', hours::state($row));
        $form->setType('copbridge_seen', PARAM_RAW_TRIMMED);
    }

    /**
     * What was typed into the section.
     *
     * @param array $data
     * @return hours_input|null null where the form came without it
     */
    private static function typed(array $data): ?hours_input {
        if (!isset($data['copbridge_hours'], $data['copbridge_component'], $data['copbridge_seen'])) {
            return null;
        }
        return new hours_input((string) $data['copbridge_hours'], (string) $data['copbridge_component']);
    }

    /**
     * Checks the section.
     *
     * @param \moodleform_mod $wrapper
     * @param array $data
     * @return string[] messages by field
     */
    public static function problems(\moodleform_mod $wrapper, array $data): array {
        $typed = self::typed($data);
        if (!$typed || !self::allowed((int) $wrapper->get_course()->id)) {
            return [];
        }
        $problems = [];
        foreach ($typed->problems() as $field => $message) {
            $problems['copbridge_' . $field] = $message;
        }
        if (!$problems && !empty($data['coursemodule'])) {
            $row = hours::of((int) $data['coursemodule']);
            $conflict = $typed->conflict($row, $data['copbridge_seen']);
            if ($conflict !== null) {
                $problems['copbridge_hours'] = s($conflict);
                // The message shows what is there now: who saves again means to replace it.
                self::$form?->getElement('copbridge_seen')->setValue(hours::state($row));
            }
        }
        return $problems;
    }

    /**
     * Keeps the section.
     *
     * @param \stdClass $data the activity, saved
     * @param \stdClass $course
     * @return \stdClass the same
     */
    public static function keep(\stdClass $data, \stdClass $course): \stdClass {
        global $USER;
        $typed = self::typed((array) $data);
        if (!$typed || empty($data->coursemodule) || $typed->problems() || !self::allowed((int) $course->id)) {
            return $data;
        }
        $row = hours::of((int) $data->coursemodule);
        // Whoever was quicker in the moment since the check keeps theirs: the activity itself is saved by now.
        if ($typed->changes($row, $data->copbridge_seen) && $typed->conflict($row, $data->copbridge_seen) === null) {
            hours::set((int) $data->coursemodule, $typed->minutes, $typed->component, (int) $USER->id);
        }
        return $data;
    }
}
