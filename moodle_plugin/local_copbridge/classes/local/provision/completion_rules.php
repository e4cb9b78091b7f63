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

defined('MOODLE_INTERNAL') || die();

global $CFG;
require_once($CFG->libdir . '/completionlib.php');

/**
 * Completion rules, from their description to the fields that Moodle keeps them in.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class completion_rules {
    /** @var array<string, array<string, string>> by kind of activity: a rule's name here => its field in the activity's table */
    private const OWN = [
        'assign' => ['submit' => 'completionsubmit'],
        'choice' => ['submit' => 'completionsubmit'],
        'data' => ['entries' => 'completionentries'],
        'feedback' => ['submit' => 'completionsubmit'],
        'forum' => ['posts' => 'completionposts', 'discussions' => 'completiondiscussions', 'replies' => 'completionreplies'],
        'glossary' => ['entries' => 'completionentries'],
        'lesson' => ['submit' => 'completionendreached'],
        'quiz' => ['submit' => 'completionminattempts'],
        'survey' => ['submit' => 'completionsubmit'],
    ];

    /** @var array<string, string[]> fields of further rules, which are not described here and are switched off with a new set */
    private const FURTHER = ['lesson' => ['completiontimespent'], 'quiz' => ['completionattemptsexhausted']];

    /** @var string[] rules that a kind of activity may have of its own */
    private const NAMES = ['submit', 'posts', 'discussions', 'replies', 'entries'];

    /** @var string[] fields of course_modules */
    private const CORE = ['completion', 'completionview', 'completiongradeitemnumber', 'completionpassgrade', 'completionexpected'];

    /** @var int[] */
    private const TRACKING = [
        'none' => COMPLETION_TRACKING_NONE,
        'manual' => COMPLETION_TRACKING_MANUAL,
        'automatic' => COMPLETION_TRACKING_AUTOMATIC,
    ];

    /**
     * Fields of course_modules and of the activity's own table.
     *
     * @param array<string, int|null> $cm by field
     * @param array<string, int|null> $instance by field
     */
    private function __construct(
        /** @var array<string, int|null> fields of course_modules */
        public readonly array $cm,
        /** @var array<string, int> fields of the activity's table */
        public readonly array $instance
    ) {
    }

    /**
     * The rules that a description asks for.
     *
     * @param string $modname
     * @param array $wanted the description
     * @param bool $graded whether the activity gives a grade
     * @param bool $haspass whether the grade has a mark to pass
     * @return self
     */
    public static function of(string $modname, array $wanted, bool $graded, bool $haspass): self {
        $tracking = self::TRACKING[$wanted['tracking']] ?? throw new problem('badtracking', $wanted['tracking']);
        self::check_names($modname, $wanted, $tracking);
        $passgrade = !empty($wanted['passgrade']);
        $grade = $passgrade || !empty($wanted['grade']);
        if ($grade && !$graded) {
            throw new problem('nograde', $modname);
        }
        if ($passgrade && !$haspass) {
            throw new problem('nopassgrade');
        }
        $view = !empty($wanted['view']);
        if ($view && !plugin_supports('mod', $modname, FEATURE_COMPLETION_TRACKS_VIEWS, false)) {
            throw new problem('norule', ['rule' => 'view', 'kind' => $modname]);
        }
        $instance = self::instance_fields($modname, $wanted);
        if ($tracking === COMPLETION_TRACKING_AUTOMATIC && !$view && !$grade && !array_filter($instance)) {
            throw new problem('norules');
        }
        $cm = [
            'completion' => $tracking,
            'completionview' => (int) $view,
            'completiongradeitemnumber' => $grade ? 0 : null,
            'completionpassgrade' => (int) $passgrade,
        ];
        if (isset($wanted['expected'])) {
            $cm['completionexpected'] = (int) $wanted['expected'];
        }
        return new self($cm, $instance);
    }

    /**
     * The rules that an activity has, as their description.
     *
     * @param \cm_info $cm
     * @return array[] the description; then the names of rules that it has no word for
     */
    public static function told(\cm_info $cm): array {
        $automatic = (int) $cm->completion === COMPLETION_TRACKING_AUTOMATIC;
        $rules = $automatic ? array_filter((array) ($cm->customdata['customcompletionrules'] ?? [])) : [];
        $graded = $automatic && $cm->completiongradeitemnumber !== null;
        $passed = $graded && $cm->completionpassgrade;
        $told = [
            'tracking' => array_search((int) $cm->completion, self::TRACKING, true),
            'view' => $automatic && $cm->completionview,
        ];
        $own = self::OWN[$cm->modname] ?? [];
        foreach (self::NAMES as $name) {
            $value = (int) ($rules[$own[$name] ?? ''] ?? 0);
            $told[$name] = $name === 'submit' ? (bool) $value : $value;
        }
        // Who has to pass has to be graded: that is one rule.
        $told += ['grade' => $graded && !$passed, 'passgrade' => (bool) $passed, 'expected' => (int) $cm->completionexpected];
        $further = array_keys(array_diff_key($rules, array_flip($own)));
        if (isset($own['submit']) && ($rules[$own['submit']] ?? 0) > 1) {
            $further[] = $own['submit'];
        }
        if ($graded && (int) $cm->completiongradeitemnumber > 0) {
            $further[] = 'completiongradeitemnumber';
        }
        sort($further);
        return [$told, $further];
    }

    /**
     * Refuses rules that the kind of activity hasn't, and rules without automatic tracking.
     *
     * @param string $modname
     * @param array $wanted
     * @param int $tracking
     */
    private static function check_names(string $modname, array $wanted, int $tracking): void {
        $rules = array_keys(array_filter(array_intersect_key($wanted, array_flip([...self::NAMES, 'view', 'grade', 'passgrade']))));
        if ($rules && $tracking !== COMPLETION_TRACKING_AUTOMATIC) {
            throw new problem('ruleswithoutautomatic', implode(', ', $rules));
        }
        foreach (array_intersect($rules, self::NAMES) as $rule) {
            if (!isset(self::OWN[$modname][$rule]) || $wanted[$rule] < 0) {
                throw new problem('norule', ['rule' => $rule, 'kind' => $modname]);
            }
        }
        // A kind whose own rules aren't known here could keep one that nobody sees in the description.
        $unknown = !isset(self::OWN[$modname]) && plugin_supports('mod', $modname, FEATURE_COMPLETION_HAS_RULES, false);
        if ($unknown && $tracking === COMPLETION_TRACKING_AUTOMATIC) {
            throw new problem('unknownrules', $modname);
        }
    }

    /**
     * Fields of the activity's own table.
     *
     * @param string $modname
     * @param array $wanted
     * @return array<string, int>
     */
    private static function instance_fields(string $modname, array $wanted): array {
        $fields = array_fill_keys(self::FURTHER[$modname] ?? [], 0);
        foreach (self::OWN[$modname] ?? [] as $rule => $field) {
            $fields[$field] = $rule === 'submit' ? (int) !empty($wanted[$rule]) : (int) ($wanted[$rule] ?? 0);
        }
        return $fields;
    }

    /**
     * Whether an activity has other rules now; the expected date, which nobody's completion depends on, is not looked at.
     *
     * @param \stdClass $cm its row of course_modules
     * @param \stdClass $instance its row of its own table
     * @return bool
     */
    public function differ(\stdClass $cm, \stdClass $instance): bool {
        foreach (array_diff_key($this->cm, ['completionexpected' => 0]) as $field => $value) {
            $now = $cm->$field === null ? null : (int) $cm->$field;
            if ($now !== $value) {
                return true;
            }
        }
        foreach ($this->instance as $field => $value) {
            if ((int) $instance->$field !== $value) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether another expected date is asked for.
     *
     * @param \stdClass $cm
     * @return bool
     */
    public function moves_date(\stdClass $cm): bool {
        return isset($this->cm['completionexpected']) && $this->cm['completionexpected'] !== (int) $cm->completionexpected;
    }

    /**
     * How often somebody's completion would be lost with other rules: what people achieved, and what teachers decided.
     *
     * Rows of people who have only opened the activity don't count, as in Moodle's own form.
     *
     * @param int $cmid
     * @return int
     */
    public static function at_stake(int $cmid): int {
        global $DB;
        return $DB->count_records_select(
            'course_modules_completion',
            'coursemoduleid = :cmid AND (completionstate <> :incomplete OR overrideby IS NOT NULL)',
            ['cmid' => $cmid, 'incomplete' => COMPLETION_INCOMPLETE]
        );
    }

    /**
     * Writes the rules to an activity, and has Moodle work out anew who has completed it.
     *
     * @param \stdClass $course
     * @param \stdClass $cm its row of course_modules, with modname
     * @param bool $anew whether the rules changed, and not the expected date alone
     */
    public function write(\stdClass $course, \stdClass $cm, bool $anew): void {
        global $DB;
        $DB->update_record('course_modules', (object) (['id' => $cm->id] + $this->cm));
        if ($anew && $this->instance) {
            $fields = ['id' => $cm->instance, 'timemodified' => \core\di::get(\core\clock::class)->time()] + $this->instance;
            $DB->update_record($cm->modname, (object) $fields);
        }
        $expected = $this->cm['completionexpected'] ?? (int) $cm->completionexpected;
        \core_completion\api::update_completion_date_event($cm->id, $cm->modname, $cm->instance, $expected ?: null);
        \course_modinfo::purge_course_module_cache($course->id, $cm->id);
        rebuild_course_cache($course->id, true, true);
        if ($anew) {
            $info = get_fast_modinfo($course->id)->get_cm($cm->id);
            (new \completion_info($info->get_course()))->reset_all_state($info);
        }
    }
}
